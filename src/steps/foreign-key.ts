import type { ForeignKey } from "../catalog/relations.ts";
import { ident, list, raw, type Sql, sql } from "../postgres/sql.ts";
import { indexState } from "./build-index.ts";
import { exists, forNow, none, relationWhere } from "./checks.ts";
import { analyze } from "./constraints.ts";
import { nameFor } from "./naming.ts";
import type { OnlineStep, Step, TransactionStep } from "./step.ts";
import type { TablePlan } from "./table-plan.ts";

/** A foreign key between two tenant tables, which is to name the organization too. */
export type CrossingKey = {
  readonly key: ForeignKey;
  readonly child: TablePlan;
  readonly parent: TablePlan;
};

/**
 * Makes a foreign key keep both of its rows in one organization, under its old name: applications
 * and PostgREST's embedded selects name it. The key that it references is a step of its own.
 */
export function nameOrganization(crossing: CrossingKey): readonly Step[] {
  return [agree(crossing), swap(crossing), validate(crossing)];
}

function stepOf({ key, child }: CrossingKey, step: string): string {
  return `day3/${child.label}/${key.name}/${step}`;
}

function constraintOf({ key, child }: CrossingKey, condition: Sql): Sql {
  return relationWhere(
    child.relation,
    sql`EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.conname = ${key.name} AND ${condition})`,
  );
}

/** Before anything is swapped: no row points at another organization's. */
function agree(crossing: CrossingKey): TransactionStep {
  const { key, child, parent } = crossing;
  const { column } = child.tenancy;
  // VALIDATE of a constraint that is valid does nothing; of one that a rollback made again, it looks.
  const validation = sql`ALTER TABLE ${ident(child.relation)}\n  VALIDATE CONSTRAINT ${ident(key.name)}`;
  const joined = key.columns.map(
    (own, index) => sql`parent.${ident(key.referencedColumns[index] ?? "")} = record.${ident(own)}`,
  );
  return {
    id: stepOf(crossing, "same-organization"),
    title: `look whether ${key.name} points across organizations`,
    table: child.relation,
    mode: "transaction",
    lock: { level: "SHARE UPDATE EXCLUSIVE", on: [child.relation, parent.relation] },
    up: [validation, analyze(parent, key.referencedColumns), analyze(child, key.columns)],
    down: { kind: "exact", sql: [validation] },
    verify: [
      forNow(
        none(
          `every row of ${child.label} is in the organization of its ${parent.label}`,
          sql`
            SELECT format('row %s of %s points at a row of another organization', record.ctid, ${child.label}::text) AS violation
              FROM ${ident(child.relation)} AS record
              JOIN ${ident(parent.relation)} AS parent
                ON ${list(joined, " AND ")}
             WHERE parent.${ident(column)} <> record.${ident(column)}
             LIMIT 5
          `,
        ),
      ),
    ],
  };
}

/** The new one in the place of the old, at once; it holds for new rows from here on. */
function swap(crossing: CrossingKey): TransactionStep {
  const { key, child, parent } = crossing;
  const name = ident(key.name);
  return {
    id: stepOf(crossing, "foreign-key"),
    title: `let ${key.name} name the organization`,
    table: child.relation,
    mode: "transaction",
    lock: { level: "ACCESS EXCLUSIVE", on: [child.relation, parent.relation] },
    up: [
      sql`ALTER TABLE ${ident(child.relation)}
  DROP CONSTRAINT ${name},
  ADD CONSTRAINT ${name}
    ${definition(crossing, { withOrganization: true })}
    NOT VALID`,
    ],
    down: {
      kind: "exact",
      sql: [
        sql`ALTER TABLE ${ident(child.relation)}
  DROP CONSTRAINT IF EXISTS ${name},
  ADD CONSTRAINT ${name}
    ${definition(crossing, { withOrganization: false })}
    NOT VALID`,
      ],
    },
    verify: [
      exists(
        `${key.name} of ${child.label} names ${child.tenancy.column}`,
        constraintOf(
          crossing,
          sql`EXISTS (SELECT
                        FROM pg_attribute a
                       WHERE a.attrelid = c.oid
                         AND a.attnum = ANY (k.conkey)
                         AND a.attname = ${child.tenancy.column})`,
        ),
      ),
    ],
  };
}

/** The foreign key as it is, or with the organization before its columns. */
function definition(
  { key, child, parent }: CrossingKey,
  { withOrganization }: { readonly withOrganization: boolean },
): Sql {
  const organization = withOrganization ? [child.tenancy.column] : [];
  const names = (columns: readonly string[]) =>
    list([...organization, ...columns].map((name) => ident(name)));
  // The isolation proof moves rows from one organization to another before it rolls back.
  const deferrable = withOrganization && key.deferrable === "no" ? "immediate" : key.deferrable;
  const clauses = [
    sql`FOREIGN KEY (${names(key.columns)})`,
    sql`REFERENCES ${ident(parent.relation)} (${names(key.referencedColumns)})`,
    ...(key.onUpdate === "NO ACTION" ? [] : [sql`ON UPDATE ${raw(key.onUpdate)}`]),
    ...onDelete(key, withOrganization ? key.columns : null),
    ...(deferrable === "no" ? [] : [sql`DEFERRABLE INITIALLY ${raw(deferrable.toUpperCase())}`]),
  ];
  return list(clauses, "\n    ");
}

/** @param all its columns where they have to be said: a row whose parent goes keeps its organization */
function onDelete(key: ForeignKey, all: readonly string[] | null): Sql[] {
  switch (key.onDelete) {
    case "NO ACTION":
      return [];
    case "RESTRICT":
    case "CASCADE":
      return [sql`ON DELETE ${raw(key.onDelete)}`];
    case "SET NULL":
    case "SET DEFAULT": {
      const columns = key.onDeleteSets ?? all;
      const action = sql`ON DELETE ${raw(key.onDelete)}`;
      if (columns === null) return [action];
      return [sql`${action} (${list(columns.map((name) => ident(name)))})`];
    }
    default:
      return key.onDelete satisfies never;
  }
}

function validate(crossing: CrossingKey): TransactionStep {
  const { key, child } = crossing;
  return {
    id: stepOf(crossing, "validate-foreign-key"),
    title: `validate ${key.name}`,
    table: child.relation,
    mode: "transaction",
    lock: { level: "SHARE UPDATE EXCLUSIVE", on: [child.relation] },
    up: [sql`ALTER TABLE ${ident(child.relation)}\n  VALIDATE CONSTRAINT ${ident(key.name)}`],
    down: { kind: "covered", by: stepOf(crossing, "foreign-key") },
    verify: [
      exists(
        `${key.name} of ${child.label} is validated`,
        constraintOf(crossing, sql`k.convalidated`),
      ),
    ],
  };
}

/** The unique index over the organization and the columns that a foreign key references. */
export function organizationKey(parent: TablePlan, referenced: readonly string[]): OnlineStep {
  const columns = [parent.tenancy.column, ...referenced];
  const index = {
    schema: parent.relation.schema,
    name: nameFor("", parent.relation.name, `_${columns.join("_")}_key`),
  };
  const covers = sql`(SELECT array_agg(a.attname::text ORDER BY key.place)
                        FROM unnest(i.indkey) WITH ORDINALITY AS key (number, place)
                        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.number) = ${columns}::text[]`;
  return {
    id: `day3/${parent.label}/${referenced.join(",")}/organization-key`,
    title: "build the key that foreign keys reference with the organization",
    table: parent.relation,
    mode: "online",
    lock: { level: "SHARE UPDATE EXCLUSIVE", on: [parent.relation] },
    up: sql`CREATE UNIQUE INDEX CONCURRENTLY ${ident(index.name)}
  ON ${ident(parent.relation)} (${list(columns.map((name) => ident(name)))})`,
    state: indexState(index, parent.relation),
    clean: sql`DROP INDEX CONCURRENTLY IF EXISTS ${ident(index)}`,
    down: { kind: "exact", sql: [sql`DROP INDEX IF EXISTS ${ident(index)}`] },
    verify: [
      exists(
        `${parent.label} has a unique index over ${columns.join(", ")}`,
        relationWhere(
          parent.relation,
          sql`EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND ${covers})`,
        ),
      ),
    ],
  };
}
