import { z } from "zod";
import { configuredName, type ProfileTable } from "../../config/settings.ts";
import { ident, raw, sql, textOf } from "../../postgres/sql.ts";
import { profileGuards, profileHelpers, profilePermissions } from "../../steps/profile/policies.ts";
import { attempt, attemptRows, withoutTriggers } from "../proof/attempt.ts";
import { anonymous, type Request, signedInAsNobody } from "../proof/request.ts";
import { type Violation, violation } from "../proof/violation.ts";
import type { Tried } from "../tables/try-writes.ts";
import { type AttackSetup, attackersRequest, joinOnly } from "./attack-setup.ts";

/**
 * Tables with a row for each user: a stranger reads and changes no row of others, a member reads those of
 * colleagues and changes none, a removed member and nobody read none.
 */
export async function tryProfiles(setup: AttackSetup): Promise<Tried> {
  const violations: Violation[] = [];
  const remarks: string[] = [];
  for (const profile of setup.settings.profiles) {
    const facts = await factsOf(setup, profile);
    // Day 2 fences them; whatever lacks its policies then is found by the audit.
    if (facts?.fenced !== true) continue;
    const label = configuredName(profile.relation, setup.settings);
    const { other } = facts;
    if (other === null) {
      remarks.push(`${label} was not tried: it has no row of another user`);
      continue;
    }
    await setup.queries.execute(sql`SAVEPOINT profile`);
    violations.push(...(await tryProfile({ ...setup, profile, label, facts, other })));
    await setup.queries.execute(sql`ROLLBACK TO SAVEPOINT profile`);
  }
  return { violations, remarks };
}

const factsSchema = z.object({
  fenced: z.boolean(),
  /** Whether the plan's policy for reading is there: then a member sees every colleague. */
  planned: z.boolean(),
  selects: z.boolean(),
  /** Another user with a row. */
  other: z.string().nullable(),
});

type Facts = z.output<typeof factsSchema>;

async function factsOf(
  { queries, tenancy, user, settings }: AttackSetup,
  { relation, user: column }: ProfileTable,
): Promise<Facts | undefined> {
  const guards = profileGuards(relation, tenancy).map(({ name }) => name);
  const [view] = profilePermissions(relation, tenancy);
  const there = await queries.rows(
    sql`
      SELECT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = ANY (${guards}::text[])) AS fenced,
             EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = ${view?.name ?? ""}) AS planned,
             has_column_privilege(${settings.roles.signedIn}::text, c.oid, ${column}::text, 'SELECT') AS selects
        FROM pg_class c
       WHERE c.oid = to_regclass(${textOf(ident(relation))})
    `,
    factsSchema.omit({ other: true }),
  );
  const [facts] = there;
  if (facts === undefined) return undefined;
  const [row] = await queries.rows(
    sql`
      SELECT record.${ident(column)}::text AS other
        FROM ${ident(relation)} AS record
        JOIN ${ident(tenancy.users.relation)} AS known ON known.${ident(tenancy.users.id)} = record.${ident(column)}
       WHERE record.${ident(column)}::text <> ${user}::text
       LIMIT 1
    `,
    z.object({ other: z.string() }),
  );
  return { ...facts, other: row?.other ?? null };
}

type Trying = AttackSetup & {
  readonly profile: ProfileTable;
  readonly label: string;
  readonly facts: Facts;
  readonly other: string;
};

async function tryProfile(trying: Trying): Promise<Violation[]> {
  const { queries, settings, tenancy, own, other, label, facts } = trying;
  const member = attackersRequest(trying);
  const violations: Violation[] = [];
  await joinOnly(trying, ["own"]);
  violations.push(...(await readsNone(trying, "a stranger", member)));
  violations.push(...(await changesNone(trying, "a stranger", member)));
  await withoutTriggers(queries, () =>
    queries.execute(sql`
      INSERT INTO ${ident(tenancy.memberships)} (organization_id, user_id, role)
      VALUES (${own}, ${other}::${raw(tenancy.users.idType)}, 'member')
    `),
  );
  if (facts.planned && facts.selects) {
    const seen = await countOf(trying, member, sql`= ${other}::text`);
    if (seen === "refused" || seen === 0) {
      const why = seen === "refused" ? "the query is refused" : "no row is returned";
      const helper = profileHelpers(tenancy).colleagues;
      violations.push(
        violation(
          `a member does not see the row of a colleague in ${label}: ${why}; compare ${helper.schema}.${helper.name}() with the journal`,
        ),
      );
    }
  }
  violations.push(...(await changesNone(trying, "a colleague", member)));
  await joinOnly(trying, []);
  violations.push(...(await readsNone(trying, "a removed member", member)));
  violations.push(...(await readsNone(trying, "nobody", signedInAsNobody(settings))));
  violations.push(...(await readsNone(trying, "anonymous", anonymous(settings))));
  return violations;
}

async function countOf(
  { queries, profile: { relation, user } }: Trying,
  request: Request,
  which: ReturnType<typeof sql>,
): Promise<number | "refused"> {
  const seen = await attemptRows(
    queries,
    sql`SELECT count(*) AS count FROM ${ident(relation)} WHERE ${ident(user)}::text ${which}`,
    z.object({ count: z.coerce.number() }),
    // The login may not become every role; what is asked is the role.
    { ...request, login: undefined },
  );
  return seen.kind === "refused" ? "refused" : (seen.rows[0]?.count ?? 0);
}

async function readsNone(trying: Trying, who: string, request: Request): Promise<Violation[]> {
  const { profile, user, label } = trying;
  const seen = await countOf(trying, request, sql`<> ${user}::text`);
  // Who may read must get an answer: an error would prove nothing.
  if (seen === "refused") {
    return trying.facts.selects && request.role === trying.settings.roles.signedIn
      ? [violation(`${who} gets an error instead of an answer from ${label}`)]
      : [];
  }
  if (seen === 0) return [];
  const statement = sql`SELECT count(*) FROM ${ident(profile.relation)} WHERE ${ident(profile.user)}::text <> ${user}::text`;
  const answer = `${seen} rows of other users`;
  const what = `${who} sees others' rows of ${label}`;
  return [{ what, shown: { who, request, object: profile.relation, statement, answer } }];
}

/** Without a WHERE, only the policies of the command apply, and not those for SELECT. */
async function changesNone(trying: Trying, who: string, request: Request): Promise<Violation[]> {
  const { queries, profile, user, label, tenancy } = trying;
  const on = ident(profile.relation);
  const column = ident(profile.user);
  const [mine] = await queries.rows(
    sql`SELECT count(*) AS count FROM ${on} WHERE ${column}::text = ${user}::text`,
    z.object({ count: z.coerce.number() }),
  );
  const writes = [
    ["changes", sql`UPDATE ${on} SET ${column} = ${user}::${raw(tenancy.users.idType)}`],
    ["deletes", sql`DELETE FROM ${on}`],
  ] as const;
  const violations: Violation[] = [];
  for (const [what, statement] of writes) {
    await queries.execute(sql`SAVEPOINT writing`);
    const outcome = await withoutTriggers(queries, () => attempt(queries, statement, request));
    await queries.execute(sql`ROLLBACK TO SAVEPOINT writing`);
    const through =
      outcome.kind === "done"
        ? outcome.rows > (mine?.count ?? 0)
        : ["23505", "23503"].includes(outcome.sqlState) && what === "changes";
    if (!through) continue;
    const answer =
      outcome.kind === "done" ? `${outcome.rows} rows` : `only a constraint refused it`;
    violations.push({
      what: `${who} ${what} others' rows of ${label}`,
      shown: { who, request, object: profile.relation, statement, answer },
    });
  }
  return violations;
}
