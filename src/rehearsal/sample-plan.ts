import { ident, list, literal, raw, type Sql, sql } from "../postgres/sql.ts";
import type { Reference, SourceTable } from "./source-table.ts";

/** A table's part in the sample. */
export type Part = {
  readonly table: SourceTable;
  /** All of its rows, since it is small and so is all that it refers to. */
  readonly whole: boolean;
  /** Whether rows that follow no parent are taken by their own hash, or all of them. */
  readonly hashed: boolean;
  /** What leads to rows of which the sample has only some: a row goes where these go. */
  readonly followed: readonly Reference[];
};

export type SamplePlan = {
  /** Parents come before their children, as far as there are no circles. */
  readonly parts: readonly Part[];
  /** Whether references were passed over, since they lead in a circle. */
  readonly circular: boolean;
};

/** Decides what is taken of each table, so that a row comes with all that it refers to. */
export function planSample(
  tables: readonly SourceTable[],
  isSmall: (table: SourceTable) => boolean,
): SamplePlan {
  const parts = new Map<string, Part>();
  let circular = false;
  for (const table of parentsFirst(tables)) {
    const followed: Reference[] = [];
    for (const reference of referencesWithin(table, tables)) {
      const parents = reference.parents.map((id) => parts.get(id));
      if (parents.includes(undefined)) circular = true;
      else if (parents.some((parent) => !parent?.whole)) followed.push(reference);
    }
    const small = isSmall(table);
    const whole = small && followed.length === 0;
    parts.set(table.id, { table, whole, hashed: !small, followed });
  }
  return { parts: [...parts.values()], circular };
}

/** What an extension's tables hold comes with the extension, not with the sample. */
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
export function sampledRows(part: Part, { parts }: SamplePlan, percentage: number): Sql {
  const ancestors = ancestorsOf(part, parts);
  const select = (one: Part, columns: readonly string[]) =>
    sampled(one, columns, Math.round((percentage / 100) * 2 ** hashBits));
  const rows = select(part, part.table.columns);
  if (ancestors.length === 0) return rows;
  const named = ancestors.map(
    (one) => sql`
      ${nameOf(one.table.id)} AS (
      ${select(one, referredColumns(one, [part, ...ancestors]))}
      )
    `,
  );
  return sql`
    WITH ${list(named, ",\n")}
    ${rows}
  `;
}

/** Each once, however many ways lead to it. */
function ancestorsOf(part: Part, parts: readonly Part[]): readonly Part[] {
  const needed = new Set<string>();
  const follow = ({ followed }: Part): void => {
    for (const id of followed.flatMap(({ parents }) => parents)) {
      if (needed.has(id)) continue;
      needed.add(id);
      for (const one of parts) if (one.table.id === id) follow(one);
    }
  };
  follow(part);
  return parts.filter(({ table }) => needed.has(table.id));
}

function referredColumns({ table }: Part, children: readonly Part[]): readonly string[] {
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

function sampled({ table, hashed, followed }: Part, columns: readonly string[], limit: number) {
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

/** A null in a key of several columns refers to nothing: MATCH FULL, too, has all or none. */
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

/** Deletes the rows that refer to a row which is not there. */
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
