import { inOrder, orphans, refersTo, rowNamedBy, rowOf } from "../../catalog/orphans.ts";
import { functionBody, ident, literal, type Sql, sql } from "../../postgres/sql.ts";
import { exists, forNow, none, relationWhere } from "../model/checks.ts";
import { freeName } from "../model/naming.ts";
import type { Step, TransactionStep } from "../model/step.ts";
import { analyze } from "./constraints.ts";
import { type CrossingKey, definition } from "./foreign-key-definition.ts";
import { validation } from "./validation.ts";

/**
 * Makes foreign keys keep both of their rows in one organization, under their old names: applications
 * and PostgREST's embedded selects name them.
 *
 * 1. No row points at another organization's, or at none: asked of all keys before anything is built.
 * 2. The indexes that the new keys reference are built.
 * 3. Key by key, the new one is added beside the old, which stays in force, and is validated. What
 *    fails by then is undone without touching the old.
 * 4. The old is dropped and the new gets its name and comment, in one transaction.
 *
 * Undone it is the same way round: the old is added again, validated, and then the new is dropped.
 * @param references the steps that build what the new ones reference
 */
export function nameOrganization(
  crossings: readonly CrossingKey[],
  references: readonly Step[],
): readonly Step[] {
  return [
    ...crossings.map(agree),
    ...references,
    ...crossings.flatMap((crossing) => [addBeside(crossing), validate(crossing), swap(crossing)]),
  ];
}

function stepOf({ key, child }: CrossingKey, step: string): string {
  return `day3/${child.label}/${key.name}/${step}`;
}

/** What the new one is called while the old has its name. */
function newName({ key, child }: CrossingKey): string {
  return freeName(key.name, "_per_organization", child.existing.constraints);
}

/** The query that finds a constraint of the child, with a further condition on it (`k` is pg_constraint). */
function constraintOf({ child }: CrossingKey, name: string, condition: Sql): Sql {
  return relationWhere(
    child.relation,
    sql`EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.conname = ${name} AND ${condition})`,
  );
}

/** Whether the constraint `k` (pg_constraint) of the table `c` (pg_class) is one over the organization too. */
function namesOrganization({ child }: CrossingKey): Sql {
  return sql`EXISTS (SELECT
                        FROM pg_attribute a
                       WHERE a.attrelid = c.oid
                         AND a.attnum = ANY (k.conkey)
                         AND a.attname = ${child.tenancy.column})`;
}

/** Before anything is added: no row points at another organization's, or at a row that is not there. */
function agree(crossing: CrossingKey): TransactionStep {
  const { key, child, parent } = crossing;
  const { column } = child.tenancy;
  const { indexes } = child.existing;
  return {
    id: stepOf(crossing, "same-organization"),
    title: `look whether ${key.name} points across organizations`,
    table: child.relation,
    mode: "transaction",
    lock: { level: "SHARE UPDATE EXCLUSIVE", on: [child.relation, parent.relation] },
    up: [analyze(parent, key.referencedColumns), analyze(child, key.columns)],
    down: { kind: "covered", by: stepOf(crossing, "new-foreign-key") },
    verify: [
      forNow(
        none(
          `every row of ${child.label} is in the organization of its ${parent.label}`,
          sql`
            SELECT format('%s %s of %s points at a row of another organization', ${rowNamedBy(indexes)}::text, ${rowOf(indexes)}, ${child.label}::text) AS violation
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
    ],
  };
}

/** The new one beside the old; both hold for new rows from here on. */
function addBeside(crossing: CrossingKey): TransactionStep {
  const { key, child, parent } = crossing;
  const name = newName(crossing);
  return {
    id: stepOf(crossing, "new-foreign-key"),
    title: `add a key that names the organization beside ${key.name}`,
    table: child.relation,
    mode: "transaction",
    lock: { level: "SHARE ROW EXCLUSIVE", on: [child.relation, parent.relation] },
    up: [
      sql`ALTER TABLE ${ident(child.relation)}
  ADD CONSTRAINT ${ident(name)}
    ${definition(crossing, { withOrganization: true })}
    NOT VALID`,
    ],
    down: {
      kind: "exact",
      // Since the swap, somebody may have given the name to a constraint of theirs.
      sql: [
        onlyWhere(
          sql`EXISTS (SELECT FROM pg_constraint WHERE ${isNamed(crossing, name)} AND contype = 'f' AND confrelid = to_regclass(${literal(ident(parent.relation).parts.join(""))}))`,
          sql`ALTER TABLE ${ident(child.relation)}
      DROP CONSTRAINT ${ident(name)}`,
        ),
      ],
    },
    verify: [
      forNow(
        exists(
          `new rows of ${child.label} need a row of ${parent.label} in their organization`,
          constraintOf(crossing, name, namesOrganization(crossing)),
        ),
      ),
    ],
  };
}

/** Looks at all rows, while the old one is in force; undone, at those of the old one, which is back then. */
function validate(crossing: CrossingKey): TransactionStep {
  const { key, child } = crossing;
  const name = newName(crossing);
  return {
    id: stepOf(crossing, "validate-foreign-key"),
    title: `validate what takes the place of ${key.name}`,
    table: child.relation,
    mode: "transaction",
    lock: { level: "SHARE UPDATE EXCLUSIVE", on: [child.relation] },
    up: [validation(child.relation, name)],
    down: { kind: "exact", sql: [validation(child.relation, key.name)] },
    verify: [
      forNow(
        exists(
          `the new key of ${child.label} is validated`,
          constraintOf(crossing, name, sql`k.convalidated`),
        ),
      ),
    ],
  };
}

/** The new one, which is proven, takes the old one's name and comment at once. */
function swap(crossing: CrossingKey): TransactionStep {
  const { key, child, parent } = crossing;
  const on = ident(child.relation);
  const name = ident(key.name);
  const other = newName(crossing);
  const comment =
    key.comment === null
      ? []
      : [sql`COMMENT ON CONSTRAINT ${name} ON ${on}\n  IS ${literal(key.comment)}`];
  return {
    id: stepOf(crossing, "foreign-key"),
    title: `let ${key.name} name the organization`,
    table: child.relation,
    mode: "transaction",
    lock: { level: "ACCESS EXCLUSIVE", on: [child.relation, parent.relation] },
    up: [
      sql`ALTER TABLE ${on}
  DROP CONSTRAINT ${name}`,
      sql`ALTER TABLE ${on}
  RENAME CONSTRAINT ${ident(other)} TO ${name}`,
      ...comment,
    ],
    down: {
      kind: "exact",
      sql: [
        giveNameBack(crossing, other),
        sql`ALTER TABLE ${on}
  DROP CONSTRAINT IF EXISTS ${name},
  ADD CONSTRAINT ${name}
    ${definition(crossing, { withOrganization: false })}
    NOT VALID`,
        ...comment,
      ],
    },
    verify: [
      exists(
        `${key.name} of ${child.label} names ${child.tenancy.column}, and is validated`,
        constraintOf(crossing, key.name, sql`k.convalidated AND ${namesOrganization(crossing)}`),
      ),
    ],
  };
}

/** Takes the name from the new one, unless somebody dropped that, or has the other name by now. */
function giveNameBack(crossing: CrossingKey, other: string): Sql {
  const { key, child } = crossing;
  const named = (name: string) =>
    sql`EXISTS (SELECT FROM pg_constraint WHERE ${isNamed(crossing, name)})`;
  return onlyWhere(
    sql`${named(key.name)} AND NOT ${named(other)}`,
    sql`ALTER TABLE ${ident(child.relation)}
      RENAME CONSTRAINT ${ident(key.name)} TO ${ident(other)}`,
  );
}

/** Whether a row of pg_constraint is the child's of that name. */
function isNamed({ child }: CrossingKey, name: string): Sql {
  return sql`conrelid = to_regclass(${literal(ident(child.relation).parts.join(""))}) AND conname = ${literal(name)}`;
}

function onlyWhere(condition: Sql, statement: Sql): Sql {
  return sql`DO ${functionBody(sql`
BEGIN
  IF ${condition} THEN
    ${statement};
  END IF;
END`)}`;
}
