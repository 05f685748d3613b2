import { inOrder, orphans, refersTo, rowNamedBy, rowOf } from "../../catalog/orphans.ts";
import { ident, literal, type Some, type Sql, sql, textOf } from "../../postgres/sql.ts";
import { exists, forNow, none, relationWhere } from "../model/checks.ts";
import type { Check, Step, TransactionStep } from "../model/step.ts";
import { analyze } from "./constraints.ts";
import { type CrossingKey, definition } from "./foreign-key-definition.ts";
import { createTriggers, dropTriggers } from "./foreign-key-triggers.ts";
import { validation } from "./validation.ts";

/**
 * Makes foreign keys keep both of their rows in one organization, under their old names: applications
 * and PostgREST's embedded selects name them. At no moment are there two foreign keys for one: PostgREST
 * would answer 300 to embedded selects that do not name one of them.
 *
 * 1. No row may reference a row of another organization, or no row at all: asked of all keys first.
 * 2. The indexes that the new keys reference are built.
 * 3. Key by key, triggers enforce for new writes what the new key will. Then a query proves the same of
 *    all rows. The old key stays in force: what fails by then is undone without touching it.
 * 4. One transaction drops the old key and the triggers, and adds the new key, NOT VALID. It enforces new
 *    writes, and what exists is proven.
 * 5. The new key is validated, so that PostgreSQL knows it too.
 *
 * Undone, one transaction drops the new key and adds the old one, NOT VALID. The new key has guaranteed
 * all that the old one does, so nothing needs to be proven first. The old one is validated last.
 * @param references the steps that build what the new ones reference
 */
export function nameOrganization(
  crossings: readonly CrossingKey[],
  references: readonly Step[],
): readonly Step[] {
  return [
    ...crossings.map(lookAtRows),
    ...references,
    ...crossings.flatMap((crossing) => [enforce(crossing), replace(crossing), validate(crossing)]),
  ];
}

function stepOf({ key, child }: CrossingKey, step: string): string {
  return `day3/${child.label}/${key.name}/${step}`;
}

/** The query that finds the key over the organization, with a further condition on it (`k` is pg_constraint). */
function newKey({ key, child }: CrossingKey, condition: Sql): Sql {
  return relationWhere(
    child.relation,
    sql`EXISTS (SELECT
                      FROM pg_constraint k
                      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
                     WHERE k.conrelid = c.oid
                       AND k.contype = 'f'
                       AND k.conname = ${key.name}
                       AND a.attname = ${child.tenancy.column}
                       AND ${condition})`,
  );
}

/** What the new key will guarantee, asked of all rows. */
function rowsAgree({ key, child, parent }: CrossingKey): Some<Check> {
  const { column } = child.tenancy;
  const { indexes } = child.existing;
  return [
    forNow(
      none(
        `every row of ${child.label} is in the organization of its ${parent.label}`,
        sql`
            SELECT format('%s %s of %s references a row of another organization', ${rowNamedBy(indexes)}::text, ${rowOf(indexes)}, ${child.label}::text) AS violation
              FROM ${ident(child.relation)} AS record
              JOIN ${ident(parent.relation)} AS parent
                ON ${refersTo(key)}
             WHERE parent.${ident(column)} <> record.${ident(column)}
             ORDER BY ${inOrder(indexes)}
             LIMIT 5
          `,
      ),
    ),
    forNow(
      none(
        `${key.name} holds for every row of ${child.label}`,
        orphans({ relation: child.existing, label: child.label, key }),
      ),
    ),
  ];
}

/** Where row-level security hides rows from the connected role, its triggers and queries prove nothing. */
function seesAllRows({ child, parent }: CrossingKey): Check {
  return forNow(
    none(
      `the connected role sees all rows of ${child.label} and ${parent.label}`,
      sql`
          SELECT format('row-level security of %s binds %s', c.oid::regclass, current_user) AS violation
            FROM pg_class c
           WHERE c.oid IN (to_regclass(${textOf(ident(child.relation))}), to_regclass(${textOf(ident(parent.relation))}))
             AND row_security_active(c.oid)
        `,
    ),
  );
}

/** Before anything is built. Undone, it validates the old key, which may have been added again by then. */
function lookAtRows(crossing: CrossingKey): TransactionStep {
  const { key, child, parent } = crossing;
  return {
    id: stepOf(crossing, "same-organization"),
    title: `look whether rows reference other organizations through ${key.name}`,
    table: child.relation,
    mode: "transaction",
    lock: { level: "SHARE UPDATE EXCLUSIVE", on: [child.relation, parent.relation] },
    up: [analyze(parent, key.referencedColumns), analyze(child, key.columns)],
    down: { kind: "exact", sql: [validation(child.relation, key.name)] },
    verify: [seesAllRows(crossing), ...rowsAgree(crossing)],
  };
}

/** Triggers for new writes, and then, when the step is verified, the query for the rows that exist. */
function enforce(crossing: CrossingKey): TransactionStep {
  const { key, child, parent } = crossing;
  return {
    id: stepOf(crossing, "foreign-key-triggers"),
    title: `enforce one organization for new rows of ${key.name}, and prove it of all rows`,
    table: child.relation,
    mode: "transaction",
    lock: { level: "SHARE ROW EXCLUSIVE", on: [child.relation, parent.relation] },
    up: createTriggers(crossing),
    down: { kind: "exact", sql: dropTriggers(crossing) },
    verify: rowsAgree(crossing),
  };
}

/** What is proven by then, and enforced, becomes a foreign key under the old one's name. */
function replace(crossing: CrossingKey): TransactionStep {
  const { key, child, parent } = crossing;
  const on = ident(child.relation);
  const name = ident(key.name);
  const comment =
    key.comment === null
      ? []
      : [sql`COMMENT ON CONSTRAINT ${name} ON ${on}\n  IS ${literal(key.comment)}`];
  const replaceBy = (drop: Sql, which: { readonly withOrganization: boolean }) =>
    sql`ALTER TABLE ${on}
  ${drop} ${name},
  ADD CONSTRAINT ${name}
    ${definition(crossing, which)}
    NOT VALID`;
  const withNew = replaceBy(sql`DROP CONSTRAINT`, { withOrganization: true });
  const withOld = replaceBy(sql`DROP CONSTRAINT IF EXISTS`, { withOrganization: false });
  return {
    id: stepOf(crossing, "foreign-key"),
    title: `replace ${key.name} by a foreign key with the organization`,
    table: child.relation,
    mode: "transaction",
    lock: { level: "ACCESS EXCLUSIVE", on: [child.relation, parent.relation] },
    up: [withNew, ...comment, ...dropTriggers(crossing)],
    down: { kind: "exact", sql: [withOld, ...comment] },
    verify: [
      forNow(
        exists(
          `new rows of ${child.label} need a row of ${parent.label} in their organization`,
          newKey(crossing, sql`TRUE`),
        ),
      ),
    ],
  };
}

/** The rows are proven by then; PostgreSQL looks at them itself. */
function validate(crossing: CrossingKey): TransactionStep {
  const { key, child } = crossing;
  return {
    id: stepOf(crossing, "validate-foreign-key"),
    title: `validate ${key.name}`,
    table: child.relation,
    mode: "transaction",
    lock: { level: "SHARE UPDATE EXCLUSIVE", on: [child.relation] },
    up: [validation(child.relation, key.name)],
    down: { kind: "covered", by: stepOf(crossing, "foreign-key") },
    verify: [
      exists(
        `${key.name} of ${child.label} names ${child.tenancy.column}, and is validated`,
        newKey(crossing, sql`k.convalidated`),
      ),
    ],
  };
}
