import type { Leak } from "../../audit/leaks.ts";
import type { BrokenFence, Mutant } from "../../audit/rule.ts";
import { ident, literal, raw, type Sql, sql } from "../../postgres/sql.ts";
import { policyNames } from "../../steps/table/fence.ts";

function damaged(
  name: string,
  leak: Leak,
  damage: (on: BrokenFence) => readonly [Sql, ...Sql[]],
): Mutant {
  return { name, leak, kind: "damage", damage };
}

/** Somebody else's organization, which is not one of the proof's. */
const third = ({ tenancy }: BrokenFence) =>
  sql`(SELECT id FROM ${ident(tenancy.organizations)} WHERE slug = 'alpha')`;

const ofThird = (on: BrokenFence) =>
  sql`UPDATE ${ident(on.table)} SET secret = 'x' WHERE ${ident(on.tenancy.column)} = ${third(on)}`;

/** A trigger with its owner's rights. */
function trigger(
  on: BrokenFence,
  when: string,
  does: Sql,
  table: Sql = ident(on.child),
): [Sql, Sql] {
  const text = `BEGIN ${does.parts.join("")}; RETURN coalesce(NEW, OLD); END`;
  return [
    sql`CREATE FUNCTION public.reaches_across() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS ${literal(text)}`,
    sql`CREATE TRIGGER reaches_across ${raw(when)} ON ${table} FOR EACH ROW EXECUTE FUNCTION public.reaches_across()`,
  ];
}

const scalar = (on: BrokenFence, signature: string, type: string, answer: string): Sql =>
  sql`CREATE FUNCTION public.${raw(signature)} RETURNS ${raw(type)} LANGUAGE plpgsql SECURITY DEFINER
        AS ${literal(`BEGIN ${ofThird(on).parts.join("")}; RETURN ${answer}; END`)}`;

const members = ({ tenancy }: BrokenFence) =>
  sql`${ident(tenancy.column)} = ANY (ARRAY(SELECT ${ident(tenancy.helpers.callerOrganizations)}()))`;

/** Legal writes that reach a third organization, and strangers who write. */
export const effects: readonly Mutant[] = [
  damaged("a trigger that changes a third organization's rows", "definer-trigger", (on) =>
    trigger(on, "AFTER INSERT", ofThird(on)),
  ),
  damaged("a trigger that inserts a row for a third organization", "definer-trigger", (on) =>
    trigger(
      on,
      "AFTER UPDATE",
      sql`INSERT INTO public.notes (organization_id, body) VALUES (${third(on)}, 'x')`,
    ),
  ),
  damaged("a trigger that deletes a third organization's rows", "definer-trigger", (on) =>
    trigger(
      on,
      "AFTER DELETE",
      sql`DELETE FROM ${ident(on.child)} WHERE ${ident(on.tenancy.column)} = ${third(on)} AND OLD.${ident(on.tenancy.column)} <> ${third(on)}`,
    ),
  ),
  damaged("a trigger that makes the user an owner elsewhere", "definer-trigger", (on) =>
    trigger(
      on,
      "AFTER INSERT",
      sql`INSERT INTO ${ident(on.tenancy.memberships)} (organization_id, user_id, role) VALUES (${third(on)}, ${ident(on.tenancy.helpers.caller)}(), 'owner') ON CONFLICT DO NOTHING`,
    ),
  ),
  damaged("a trigger that writes into a schema that is left out", "definer-trigger", (on) => [
    sql`CREATE SCHEMA outside`,
    sql`CREATE TABLE outside.ledger AS SELECT id AS organization_id, 'theirs'::text AS entry FROM ${ident(on.tenancy.organizations)}`,
    ...trigger(
      on,
      "AFTER INSERT",
      sql`UPDATE outside.ledger SET entry = 'mine' WHERE organization_id = ${third(on)}`,
    ),
  ]),
  damaged("a rule that changes a third organization's rows", "definer-trigger", (on) => [
    sql`CREATE RULE reaches_across AS ON UPDATE TO ${ident(on.child)} DO ALSO ${ofThird(on)}`,
  ]),
  damaged(
    "a default whose function changes a third organization's rows",
    "definer-function",
    (on) => [
      scalar(on, "counted()", "text", "''"),
      sql`ALTER TABLE ${ident(on.child)} ALTER COLUMN said SET DEFAULT public.counted()`,
    ],
  ),
  damaged(
    "a CHECK whose function changes a third organization's rows",
    "definer-function",
    (on) => [
      scalar(on, "counted(text)", "boolean", "TRUE"),
      sql`ALTER TABLE ${ident(on.child)} ADD CONSTRAINT counted CHECK (public.counted(said)) NOT VALID`,
    ],
  ),
  damaged("a view with an INSTEAD OF trigger", "definer-trigger", (on) => [
    sql`CREATE VIEW public.through WITH (security_invoker = TRUE) AS SELECT id, organization_id, phone FROM ${ident(on.table)}`,
    sql`GRANT SELECT, UPDATE ON public.through TO ${ident(on.role)}`,
    ...trigger(on, "INSTEAD OF UPDATE", ofThird(on), sql`public.through`),
  ]),
  damaged("a view that requests may write to and not read", "definer-view", (on) => [
    sql`CREATE VIEW public.through AS SELECT id, organization_id, phone FROM ${ident(on.table)}`,
    sql`GRANT UPDATE, DELETE ON public.through TO ${ident(on.role)}`,
  ]),
  damaged("users of no organization insert", "open-check", (on) => [
    sql`CREATE POLICY strangers ON ${ident(on.child)} FOR INSERT WITH CHECK (TRUE)`,
    sql`ALTER POLICY ${ident(policyNames(on.child.name).guard)} ON ${ident(on.child)}
          WITH CHECK (${members(on)} OR NOT EXISTS (SELECT ${ident(on.tenancy.helpers.callerOrganizations)}()))`,
  ]),
  damaged("users of no organization update", "blind-write", (on) => [
    sql`CREATE POLICY strangers ON ${ident(on.child)} FOR UPDATE USING (TRUE) WITH CHECK (TRUE)`,
    sql`ALTER POLICY ${ident(policyNames(on.child.name).guard)} ON ${ident(on.child)}
          USING (${members(on)} OR NOT EXISTS (SELECT ${ident(on.tenancy.helpers.callerOrganizations)}()))`,
  ]),
  damaged("a guard that refuses everybody", "silent-fence", (on) => [
    sql`ALTER POLICY ${ident(policyNames(on.child.name).guard)} ON ${ident(on.child)} USING (FALSE)`,
  ]),
  damaged(
    "a guard that refuses everybody, beside policies of the application",
    "silent-fence",
    (on) => [
      sql`CREATE POLICY of_the_application ON ${ident(on.child)} FOR SELECT USING (FALSE)`,
      sql`ALTER POLICY ${ident(policyNames(on.child.name).guard)} ON ${ident(on.child)} USING (FALSE)`,
      sql`DROP POLICY ${ident(policyNames(on.child.name).view)} ON ${ident(on.child)}`,
      sql`DROP POLICY ${ident(policyNames(on.child.name).update)} ON ${ident(on.child)}`,
      sql`DROP POLICY ${ident(policyNames(on.child.name).delete)} ON ${ident(on.child)}`,
    ],
  ),
];
