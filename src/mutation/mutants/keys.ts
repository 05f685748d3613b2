import type { BrokenFence, Mutant } from "../../audit/rule.ts";
import { ident, literal, type RelationName, sql, textOf } from "../../postgres/sql.ts";

const asOwner = sql`SECURITY DEFINER SET search_path TO ''`;

/** A trigger of the child, with its owner's rights. */
function triggerOf({ child }: BrokenFence, statements: string) {
  return [
    sql`CREATE FUNCTION public.names_a_lead() RETURNS trigger LANGUAGE plpgsql ${asOwner}
          AS ${literal(`BEGIN ${statements} RETURN NEW; END`)}`,
    sql`CREATE TRIGGER names_a_lead BEFORE INSERT OR UPDATE ON ${ident(child)}
          FOR EACH ROW EXECUTE FUNCTION public.names_a_lead()`,
  ] as const;
}

const name = (relation: RelationName) => textOf(ident(relation));

const isThere = ({ table }: BrokenFence) =>
  `EXISTS (SELECT FROM ${name(table)} AS parent WHERE parent.id = NEW.lead_id)`;

/** The organization that the child's row would have by its parent, for everybody. */
const byParent = ({ table, tenancy }: BrokenFence) =>
  `(SELECT parent.${textOf(ident(tenancy.column))} FROM ${name(table)} AS parent WHERE parent.id = NEW.lead_id)`;

/** Some rows of the child are in another organization than their parents. */
const crossed = ({ child, tenancy }: BrokenFence) =>
  [
    sql`SET LOCAL session_replication_role = replica`,
    sql`UPDATE ${ident(child)} AS record
           SET ${ident(tenancy.column)} = (SELECT o.id
                                             FROM ${ident(tenancy.organizations)} AS o
                                            WHERE o.id <> record.${ident(tenancy.column)}
                                            LIMIT 1)
         WHERE record.id IN (SELECT id FROM ${ident(child)} ORDER BY id LIMIT 3)`,
    sql`SET LOCAL session_replication_role TO DEFAULT`,
  ] as const;

/** What foreign keys and the triggers beside them answer, and what keeps rows together. */
export const keys: readonly Mutant[] = [
  {
    name: "a trigger with an error of its own for a key that does not exist",
    leak: "key-oracle",
    kind: "damage",
    damage: (on) =>
      triggerOf(on, `IF NOT ${isThere(on)} THEN RAISE EXCEPTION 'there is no such lead'; END IF;`),
  },
  {
    name: "a trigger that hints at a key that exists",
    leak: "key-oracle",
    kind: "damage",
    damage: (on) =>
      triggerOf(
        on,
        `IF ${isThere(on)} AND ${byParent(on)} <> NEW.organization_id THEN
           RAISE foreign_key_violation USING MESSAGE = 'not found', HINT = 'It is not yours.';
         ELSIF NOT ${isThere(on)} THEN
           RAISE foreign_key_violation USING MESSAGE = 'not found';
         END IF;`,
      ),
  },
  {
    name: "a trigger that gives a row its parent's organization, for every writer",
    leak: "key-oracle",
    kind: "damage",
    damage: (on) =>
      triggerOf(on, `NEW.organization_id := coalesce(NEW.organization_id, ${byParent(on)});`),
  },
  {
    name: "a key that is not asked any more",
    leak: "crossing-rows",
    kind: "damage",
    damage: ({ child }) => [sql`ALTER TABLE ${ident(child)} DISABLE TRIGGER ALL`],
  },
  {
    name: "a key that does not hold when a referenced row changes",
    leak: "crossing-rows",
    kind: "damage",
    damage: ({ table }) => [sql`ALTER TABLE ${ident(table)} DISABLE TRIGGER ALL`],
  },
  {
    name: "a key that is NOT VALID, and rows that were moved before",
    leak: "crossing-rows",
    kind: "damage",
    damage: (on) => [
      ...crossed(on),
      sql`ALTER TABLE ${ident(on.child)}
            DROP CONSTRAINT calls_lead_id_fkey,
            ADD CONSTRAINT calls_lead_id_fkey
              FOREIGN KEY (organization_id, lead_id) REFERENCES ${ident(on.table)} (organization_id, id) NOT VALID`,
    ],
  },
];
