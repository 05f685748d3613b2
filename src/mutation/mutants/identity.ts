import type { Leak } from "../../audit/leaks.ts";
import type { BrokenFence, Mutant } from "../../audit/rule.ts";
import { ident, literal, raw, type Sql, sql } from "../../postgres/sql.ts";

const claims = sql`NULLIF(current_setting('request.jwt.claims', TRUE), '')::jsonb`;
const headers = sql`NULLIF(current_setting('request.headers', TRUE), '')::jsonb`;

function damaged(name: string, leak: Leak, damage: (on: BrokenFence) => Sql): Mutant {
  return { name, leak, kind: "damage", damage: (on) => [damage(on)] };
}

/** The helper of Day 3, with statements before its query and another query after it. */
function helper(
  { tenancy }: BrokenFence,
  { before = "", also = sql`SELECT NULL::uuid WHERE FALSE`, declared = "STABLE" },
): Sql {
  const body = sql`BEGIN ${raw(before)} RETURN QUERY
      SELECT membership.organization_id
        FROM ${ident(tenancy.memberships)} AS membership
       WHERE membership.user_id = ${ident(tenancy.helpers.caller)}()
       UNION ALL ${also}; END`;
  return sql`CREATE OR REPLACE FUNCTION ${ident(tenancy.helpers.callerOrganizations)}()
    RETURNS SETOF uuid LANGUAGE plpgsql ${raw(declared)} SECURITY DEFINER SET search_path TO ''
    AS ${literal(body.parts.join(""))}`;
}

/** The current user, with another answer where the identity gives none, or before it. */
function caller(on: BrokenFence, first: Sql, then?: Sql): Sql {
  const type = raw(on.tenancy.users.idType);
  const own =
    on.identity === "supabase"
      ? sql`auth.uid()`
      : sql`CASE WHEN current_setting('app.user_id', TRUE) ~ '^[0-9]{1,18}$' THEN current_setting('app.user_id', TRUE)::${type} END`;
  const answers = then === undefined ? sql`${first}, ${own}` : sql`${own}, ${then}`;
  return sql`CREATE OR REPLACE FUNCTION ${ident(on.tenancy.helpers.caller)}() RETURNS ${type}
    LANGUAGE plpgsql STABLE SET search_path TO '' AS ${literal(`BEGIN RETURN coalesce(${answers.parts.join("")}); END`)}`;
}

const everyOrganization = ({ tenancy }: BrokenFence, where: Sql) =>
  sql`SELECT id FROM ${ident(tenancy.organizations)} WHERE ${where}`;

const asks = ({ tenancy }: BrokenFence) => sql`${ident(tenancy.helpers.caller)}()`;

/** A user who exists, by the position in the table. */
const userAt = ({ tenancy: { users } }: BrokenFence, position: number) =>
  sql`(SELECT ${ident(users.id)} FROM ${ident(users.relation)} ORDER BY ${ident(users.id)} OFFSET ${raw(String(position))} LIMIT 1)`;

const refuses = "RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'no';";

const said = (where: Sql, key: string) => (on: BrokenFence) =>
  caller(on, sql`(${where} ->> ${literal(key)})::${raw(on.tenancy.users.idType)}`);

/** Functions that take somebody for somebody else, or answer differently for some of them. */
export const identity: readonly Mutant[] = [
  damaged(
    "the caller, from user_metadata",
    "forged-claims",
    said(sql`${claims} -> 'user_metadata'`, "acts_for"),
  ),
  damaged(
    "the caller, from a header of the application",
    "forged-claims",
    said(headers, "x-on-behalf-of"),
  ),
  damaged("the caller, from a setting of the application", "setting-left", (on) =>
    caller(
      on,
      sql`NULLIF(current_setting('app.acting_as', TRUE), '')::${raw(on.tenancy.users.idType)}`,
    ),
  ),
  damaged("organizations from a list in user_metadata", "forged-claims", (on) =>
    helper(on, {
      also: sql`SELECT value::uuid FROM jsonb_array_elements_text(CASE jsonb_typeof(${claims} -> 'user_metadata' -> 'teams') WHEN 'array' THEN ${claims} -> 'user_metadata' -> 'teams' END)`,
    }),
  ),
  damaged("nobody is the first user", "anonymous-branch", (on) => caller(on, sql``, userAt(on, 0))),
  ...[
    ["empty claims", "= '{}'"],
    ["the claims null", "= 'null'"],
  ].map(([what = "", condition = ""]) =>
    damaged(`every organization for ${what}`, "anonymous-branch", (on) =>
      helper(on, {
        also: everyOrganization(
          on,
          sql`current_setting('request.jwt.claims', TRUE) ${raw(condition)}`,
        ),
      }),
    ),
  ),
  ...[0, 3].map((position) =>
    damaged(`every organization for one user who exists, number ${position}`, "tautology", (on) =>
      helper(on, { also: everyOrganization(on, sql`${asks(on)} = ${userAt(on, position)}`) }),
    ),
  ),
  damaged("another organization for members of one", "tautology", (on) =>
    helper(on, {
      also: everyOrganization(
        on,
        sql`slug = 'alpha' AND EXISTS (SELECT FROM ${ident(on.tenancy.memberships)} AS m WHERE m.user_id = ${asks(on)} AND m.organization_id = ${literal(on.tenancy.defaultOrganizationId)})`,
      ),
    }),
  ),
  damaged(
    "a helper that keeps its answer in the session",
    "immutable-helper",
    (on) =>
      sql`CREATE OR REPLACE FUNCTION ${ident(on.tenancy.helpers.callerOrganizations)}()
      RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path TO '' AS ${literal(
        `BEGIN
           IF coalesce(current_setting('cache.organizations', TRUE), '') = '' THEN
             PERFORM set_config('cache.organizations', coalesce((
               SELECT string_agg(m.organization_id::text, ',')
                 FROM ${ident(on.tenancy.memberships).parts.join("")} AS m
                WHERE m.user_id = ${asks(on).parts.join("")}), ''), FALSE);
           END IF;
           RETURN QUERY SELECT unnest(string_to_array(nullif(current_setting('cache.organizations', TRUE), ''), ',')::uuid[]);
         END`,
      )}`,
  ),
  damaged(
    "the caller, IMMUTABLE",
    "immutable-helper",
    ({ tenancy }) => sql`ALTER FUNCTION ${ident(tenancy.helpers.caller)}() IMMUTABLE`,
  ),
  damaged("a helper that refuses one user who exists", "silent-fence", (on) =>
    helper(on, {
      before: `IF ${asks(on).parts.join("")} = ${userAt(on, 3).parts.join("")} THEN ${refuses} END IF;`,
    }),
  ),
  damaged("a helper that answers one user who exists with nothing", "silent-fence", (on) =>
    helper(on, {
      before: `IF ${asks(on).parts.join("")} = ${userAt(on, 3).parts.join("")} THEN RETURN; END IF;`,
    }),
  ),
  damaged("a helper that refuses nobody with an error", "silent-fence", (on) =>
    helper(on, { before: `IF ${asks(on).parts.join("")} IS NULL THEN ${refuses} END IF;` }),
  ),
  damaged("a helper that never ends", "silent-fence", (on) =>
    helper(on, { before: "LOOP END LOOP;" }),
  ),
  damaged("a helper that takes a second", "silent-fence", (on) =>
    helper(on, { before: "PERFORM pg_sleep(1);" }),
  ),
  damaged(
    "a helper under another name",
    "silent-fence",
    ({ tenancy }) => sql`ALTER FUNCTION ${ident(tenancy.helpers.caller)}() RENAME TO caller_before`,
  ),
];
