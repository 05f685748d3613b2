import { ident, list, literal, raw, type Sql, sql } from "../postgres/sql.ts";
import type { Reference, SourceTable } from "./source-table.ts";

/** Which rows of a table are in the sample. */
export type TableSample = {
  readonly table: SourceTable;
  /** Whether all of its rows are taken, because it is small and every table that it references is taken whole. */
  readonly whole: boolean;
  /** Whether rows without a sampled parent are selected by their hash; otherwise all of them are taken. */
  readonly hashed: boolean;
  /** Foreign keys to tables of which only some rows are in the sample: a row is taken with its parent. */
  readonly followed: readonly Reference[];
};

export type SamplePlan = {
  /** Parents before their children, except in circles of foreign keys. */
  readonly samples: readonly TableSample[];
  /** Whether references were skipped, because they form a circle. */
  readonly circular: boolean;
};

/** Decides which rows of each table are taken, so that every referenced row is in the sample too. */
export function planSample(
  tables: readonly SourceTable[],
  isSmall: (table: SourceTable) => boolean,
): SamplePlan {
  const samples = new Map<string, TableSample>();
  let circular = false;
  for (const table of parentsFirst(tables)) {
    const followed: Reference[] = [];
    for (const reference of referencesWithin(table, tables)) {
      const parents = reference.parents.map((id) => samples.get(id));
      if (parents.includes(undefined)) circular = true;
      else if (parents.some((parent) => !parent?.whole)) followed.push(reference);
    }
    const small = isSmall(table);
    const whole = small && followed.length === 0;
    samples.set(table.id, { table, whole, hashed: !small, followed });
  }
  return { samples: [...samples.values()], circular };
}

/** The references to tables of the sample. Rows of an extension's tables come with the extension. */
export function referencesWithin(
  table: SourceTable,
  tables: readonly SourceTable[],
): readonly Reference[] {
  const known = new Set(tables.map(({ id }) => id));
  return table.references.filter(({ parents }) => parents.every((id) => known.has(id)));
}

function parentsFirst(tables: readonly SourceTable[]): readonly SourceTable[] {
  const byId = new Map(tables.map((table) => [table.id, table]));
  const ordered = new Set<SourceTable>();
  const entered = new Set<SourceTable>();
  const visit = (table: SourceTable | undefined): void => {
    if (table === undefined || entered.has(table)) return;
    entered.add(table);
    for (const { parents } of table.references) for (const id of parents) visit(byId.get(id));
    ordered.add(table);
  };
  tables.forEach(visit);
  return [...ordered];
}

/** Hashes are compared in this many bits: fine enough for hundredths of a per cent. */
const hashBits = 20;

/** Reads the columns of a table's rows that are in the sample. */
export function sampledRows(sample: TableSample, { samples }: SamplePlan, percentage: number): Sql {
  const ancestors = ancestorsOf(sample, samples);
  const select = (one: TableSample, columns: readonly string[]) =>
    sampled(one, columns, Math.round((percentage / 100) * 2 ** hashBits));
  const rows = select(sample, sample.table.columns);
  if (ancestors.length === 0) return rows;
  const named = ancestors.map(
    (one) => sql`
      ${nameOf(one.table.id)} AS (
      ${select(one, referredColumns(one, [sample, ...ancestors]))}
      )
    `,
  );
  return sql`
    WITH ${list(named, ",\n")}
    ${rows}
  `;
}

/** Every sampled ancestor once, even if several foreign keys lead to it. */
function ancestorsOf(sample: TableSample, samples: readonly TableSample[]): readonly TableSample[] {
  const needed = new Set<string>();
  const follow = ({ followed }: TableSample): void => {
    for (const id of followed.flatMap(({ parents }) => parents)) {
      if (needed.has(id)) continue;
      needed.add(id);
      for (const one of samples) if (one.table.id === id) follow(one);
    }
  };
  follow(sample);
  return samples.filter(({ table }) => needed.has(table.id));
}

function referredColumns(
  { table }: TableSample,
  children: readonly TableSample[],
): readonly string[] {
  const references = children.flatMap(({ followed }) => followed);
  return [
    ...new Set(
      references
        .filter(({ parents }) => parents.includes(table.id))
        .flatMap(({ parentColumns }) => parentColumns),
    ),
  ];
}

const nameOf = (id: string): Sql => ident(`sampled_${id}`);
const columnsOf = (record: Sql, columns: readonly string[]): Sql =>
  list(columns.map((column) => sql`${record}.${ident(column)}`));

function sampled(
  { table, hashed, followed }: TableSample,
  columns: readonly string[],
  limit: number,
) {
  const record = sql`record`;
  const parents = followed.map((reference, index) => ({
    reference,
    parent: ident(`parent_${index}`),
    own: columnsOf(record, reference.columns),
  }));
  const joins = parents.map(
    ({ reference, parent }) => sql`
      LEFT JOIN (${list(
        reference.parents.map(
          (id) =>
            sql`SELECT ${list(reference.parentColumns.map((one) => ident(one)))} FROM ${nameOf(id)}`,
        ),
        " UNION ALL ",
      )}) AS ${parent}
        ON ${matches(reference, parent)}
    `,
  );
  const key = table.primaryKey.length > 0 ? columnsOf(record, table.primaryKey) : sql`${record}.*`;
  const byHash = sql`hashtextextended(ROW(${key})::text, 0) & ${literal(2 ** hashBits - 1)} < ${literal(limit)}`;
  const conditions = [
    ...parents.map(
      ({ reference, parent, own }) =>
        sql`(num_nulls(${own}) > 0 OR num_nulls(${columnsOf(parent, reference.parentColumns)}) = 0)`,
    ),
    ...(hashed
      ? [sql`(${list([...parents.map(({ own }) => sql`num_nulls(${own}) = 0`), byHash], " OR ")})`]
      : []),
  ];
  return list(
    [
      sql`SELECT ${columnsOf(record, columns)} FROM ONLY ${ident(table)} AS ${record}`,
      ...joins,
      ...(conditions.length === 0 ? [] : [sql`WHERE ${list(conditions, "\nAND ")}`]),
    ],
    "\n",
  );
}

/** A foreign key with a null in any column references no row; with MATCH FULL all columns are null, or none. */
function matches({ columns, parentColumns, operators }: Reference, parent: Sql): Sql {
  return list(
    columns.map((column, index) => {
      const operator = operators[index];
      const parentColumn = parentColumns[index];
      if (operator === undefined || parentColumn === undefined) {
        throw new TypeError("a foreign key has as many columns on both sides");
      }
      return sql`${parent}.${ident(parentColumn)} OPERATOR(${ident(operator.schema)}.${raw(operator.name)}) record.${ident(column)}`;
    }),
    " AND ",
  );
}

/** Deletes the rows that reference a missing row. */
export function deleteOrphans(
  table: SourceTable,
  reference: Reference,
  tables: readonly SourceTable[],
): Sql {
  const parents = tables.filter(({ id }) => reference.parents.includes(id));
  const missing = parents.map(
    (parent) => sql`
      AND NOT EXISTS (SELECT
                        FROM ONLY ${ident(parent)} AS parent
                       WHERE ${matches(reference, sql`parent`)})
    `,
  );
  return sql`
    DELETE FROM ONLY ${ident(table)} AS record
     WHERE num_nulls(${columnsOf(sql`record`, reference.columns)}) = 0
    ${list(missing, "\n")}
  `;
}
