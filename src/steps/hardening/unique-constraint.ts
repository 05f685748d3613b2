import type { Index } from "../../catalog/relations.ts";
import { ident, list, literal, raw, type Some, type Sql, sql, textOf } from "../../postgres/sql.ts";
import { exists, relationWhere } from "../model/checks.ts";
import { freeName } from "../model/naming.ts";
import type { Guard } from "../model/stage.ts";
import type { OnlineStep, Step, TransactionStep } from "../model/step.ts";
import type { TablePlan } from "../model/table-plan.ts";
import { indexState } from "../table/build-index.ts";

/** A unique index of a tenant table over the rows of all organizations, with its constraint where it has one. */
export type CrossingIndex = {
  readonly table: TablePlan;
  readonly index: Index;
  /** The names that relations of its schema have. */
  readonly taken: readonly string[];
};

/**
 * Makes a unique index unique in each organization, under its old name. The new index is built beside
 * the old one. One transaction drops the old one and renames the new one. A rollback does the same in
 * the other direction.
 */
export function makeUniquePerOrganization(crossing: CrossingIndex): readonly Step[] {
  return [buildPerOrganization(crossing), swap(crossing)];
}

/** How the server would write the beginning of the index's definition, up to its first column. */
function beginning({ table, index }: CrossingIndex): string {
  const start = sql`CREATE UNIQUE INDEX ${ident(index.name)} ON ${ident(table.relation)}${raw(method)}`;
  return textOf(start);
}

/** Whether the organization can be added to its definition. */
export function canNameOrganization(crossing: CrossingIndex): boolean {
  const start = unquoted(beginning(crossing));
  return (
    start.indexOf(method) === start.length - method.length &&
    unquoted(crossing.index.definition).startsWith(start)
  );
}

const method = " USING btree (";

/** The server quotes names only where it must. */
function unquoted(text: string): string {
  return text.replaceAll('"', "");
}

/** The definition's end, from its first column on: operator classes, INCLUDE, TABLESPACE and WHERE too. */
function columnsOf({ index }: CrossingIndex): string {
  return index.definition.slice(index.definition.indexOf(method) + method.length);
}

function namesOf({ table, index, taken }: CrossingIndex) {
  const { schema } = table.relation;
  return {
    now: { schema, name: index.name },
    perOrganization: { schema, name: freeName(index.name, "_per_organization", taken) },
    forAll: { schema, name: freeName(index.name, "_for_all", taken) },
  };
}

function stepOf({ table, index }: CrossingIndex, step: string): string {
  return `day3/${table.label}/${index.name}/${step}`;
}

function buildPerOrganization(crossing: CrossingIndex): OnlineStep {
  const { table, index } = crossing;
  const { perOrganization } = namesOf(crossing);
  const { column } = table.tenancy;
  return {
    id: stepOf(crossing, "unique-index"),
    title: `build ${index.name} for each organization`,
    table: table.relation,
    mode: "online",
    lock: { level: "SHARE UPDATE EXCLUSIVE", on: [table.relation] },
    makes: [{ kind: "unique index", index: perOrganization }],
    up: sql`CREATE UNIQUE INDEX CONCURRENTLY ${ident(perOrganization.name)}
  ON ${ident(table.relation)} USING btree (${ident(column)}, ${raw(columnsOf(crossing))}`,
    state: indexState(perOrganization, table.relation),
    clean: sql`DROP INDEX CONCURRENTLY IF EXISTS ${ident(perOrganization)}`,
    down: { kind: "exact", sql: [sql`DROP INDEX IF EXISTS ${ident(perOrganization)}`] },
    verify: [{ ...startsWithOrganization(crossing, perOrganization.name), lasting: false }],
  };
}

/** Replaces the old index by the new one, under its name. */
function swap(crossing: CrossingIndex): TransactionStep {
  const { table, index } = crossing;
  const { now, perOrganization, forAll } = namesOf(crossing);
  return {
    id: stepOf(crossing, "unique-constraint"),
    title: `make ${index.name} unique in each organization`,
    table: table.relation,
    mode: "transaction",
    lock: { level: "ACCESS EXCLUSIVE", on: [table.relation] },
    makes: [{ kind: "unique index", index: now }],
    // The organization is before its columns.
    up: [
      ...replaceBy(crossing, { ifExists: false, name: now.name, other: perOrganization.name }),
      ...propertiesOfOld(crossing, 1),
    ],
    down: {
      kind: "exact",
      prepare: {
        up: sql`CREATE UNIQUE INDEX CONCURRENTLY ${ident(forAll.name)}
  ON ${ident(table.relation)} USING btree (${raw(columnsOf(crossing))}`,
        state: indexState(forAll, table.relation),
        clean: sql`DROP INDEX CONCURRENTLY IF EXISTS ${ident(forAll)}`,
      },
      // Somebody may have dropped the new one since.
      sql: [
        ...replaceBy(crossing, { ifExists: true, name: now.name, other: forAll.name }),
        ...propertiesOfOld(crossing, 0),
      ],
    },
    verify: [startsWithOrganization(crossing, index.name)],
  };
}

/** Drops the index of the name, and gives the name to the other. */
function replaceBy(
  { table, index }: CrossingIndex,
  names: { readonly name: string; readonly other: string; readonly ifExists: boolean },
): Some<Sql> {
  const { name, other } = names;
  const { schema } = table.relation;
  const ifExists = names.ifExists ? sql`IF EXISTS ` : sql``;
  if (index.constraint === null) {
    return [
      sql`DROP INDEX ${ifExists}${ident({ schema, name })}`,
      sql`ALTER INDEX ${ident({ schema, name: other })}\n  RENAME TO ${ident(name)}`,
    ];
  }
  const deferrable = /\) (DEFERRABLE.*)$/.exec(index.constraint)?.[1] ?? "NOT DEFERRABLE";
  return [
    sql`ALTER TABLE ${ident(table.relation)}
  DROP CONSTRAINT ${ifExists}${ident(name)},
  ADD CONSTRAINT ${ident(name)}
    UNIQUE USING INDEX ${ident(other)} ${raw(deferrable)}`,
  ];
}

/** Comments, statistics targets and CLUSTER ON, which are not in the definition. */
function propertiesOfOld({ table, index }: CrossingIndex, columnsBefore: number): Sql[] {
  const { name, comment, constraintComment, clustered, statistics } = index;
  const on = ident(table.relation);
  const itself = ident({ schema: table.relation.schema, name });
  return [
    ...(comment === null ? [] : [sql`COMMENT ON INDEX ${itself}\n  IS ${literal(comment)}`]),
    ...(constraintComment === null
      ? []
      : [sql`COMMENT ON CONSTRAINT ${ident(name)} ON ${on}\n  IS ${literal(constraintComment)}`]),
    ...statistics.map(
      ({ place, target }) =>
        sql`ALTER INDEX ${itself}\n  ALTER COLUMN ${literal(place + columnsBefore)} SET STATISTICS ${literal(target)}`,
    ),
    ...(clustered ? [sql`ALTER TABLE ${on}\n  CLUSTER ON ${ident(name)}`] : []),
  ];
}

function startsWithOrganization({ table }: CrossingIndex, name: string) {
  return exists(
    `${name} of ${table.label} is unique in each organization`,
    relationWhere(
      table.relation,
      sql`EXISTS (SELECT
                    FROM pg_index i
                    JOIN pg_class own ON own.oid = i.indexrelid
                    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                   WHERE i.indrelid = c.oid
                     AND own.relname = ${name}
                     AND i.indisunique
                     AND i.indisvalid
                     AND a.attname = ${table.tenancy.column})`,
    ),
  );
}

/** A rollback makes it unique for all organizations again, which is impossible where two of them share a value. */
export function sharedValues({ table, index }: CrossingIndex): Guard {
  const keys = list(index.keys.map((key) => raw(key)));
  const conditions = [
    ...(index.nullsNotDistinct ? [] : index.keys.map((key) => sql`${raw(key)} IS NOT NULL`)),
    ...(index.predicate === null ? [] : [sql`(${raw(index.predicate)})`]),
  ];
  const rows = sql`
    SELECT jsonb_build_array(${keys}) AS value,
           count(*) AS rows,
           array_agg(DISTINCT ${ident(table.tenancy.column)}) AS organizations,
           format('%s rows of %s have the value (%s)', count(*), ${table.label}::text, concat_ws(', ', ${keys})) AS violation
      FROM ${ident(table.relation)}
     WHERE ${conditions.length === 0 ? sql`TRUE` : list(conditions, "\n       AND ")}
     GROUP BY ${keys}
    HAVING count(*) > 1
  `;
  return {
    claim: `no two organizations share a value of ${index.name}`,
    because: `${index.name} would be unique for all organizations again`,
    violations: sql`SELECT violation FROM (${rows}) AS lost LIMIT 5`,
    lost: { of: `values of ${table.label}.${index.name} that organizations share`, rows },
  };
}
