import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { ident, list, type RelationName, type Sql, sql } from "../postgres/sql.ts";
import { RowNotFound, type Verb } from "../writers/timed-write.ts";
import type { WrittenTable } from "./written-table.ts";

/** The values of a row's primary key, as text. */
export type Key = readonly string[];

/** How an application writes the rows of one table. */
export type RowWrites = {
  readonly relation: RelationName;
  readonly primaryKey: readonly string[];
  /** The column that an update sets to its own value; undefined if no column can be set. */
  readonly updated: string | undefined;
  /** The columns that a copy of a row sets; the others get their defaults. */
  readonly copied: readonly string[];
};

export function rowWritesOf(relation: RelationName, table: WrittenTable): RowWrites {
  const { columns, primaryKey } = table;
  const settable = columns.filter(({ serverOnly }) => !serverOnly).map(({ name }) => name);
  const fresh = freshColumns(table);
  return {
    relation,
    primaryKey,
    // A key column only if there is no other: updating it blocks inserts of rows that reference the row.
    updated: settable.find((name) => !primaryKey.includes(name)) ?? settable[0],
    copied: settable.filter((name) => !fresh.has(name)),
  };
}

/** Columns in unique indexes: a copy needs another value for them, which only a default can give. */
function freshColumns({ columns, uniqueIndexes }: WrittenTable): ReadonlySet<string> {
  const unique = new Set(uniqueIndexes.flatMap((index) => index.columns));
  return new Set(
    columns.filter((one) => one.hasDefault && unique.has(one.name)).map(({ name }) => name),
  );
}

/** Why a kind of write is not possible, as far as the catalog shows it; trying shows the rest. */
export function reasonInCatalog(
  verb: Verb,
  { updated }: RowWrites,
  table: WrittenTable,
): string | undefined {
  if (verb === "update")
    return updated === undefined ? "none of its columns can be set" : undefined;
  const fresh = freshColumns(table);
  const index = table.uniqueIndexes.find(({ columns }) => !columns.some((one) => fresh.has(one)));
  if (index !== undefined) return `the unique index ${index.name} refuses copies of rows`;
  const [exclusion] = table.exclusionConstraints;
  if (exclusion === undefined) return undefined;
  return `the exclusion constraint ${exclusion} may refuse copies of rows`;
}

/** @throws RowNotFound if the UPDATE affects no row */
export async function updateRow(
  queries: Queries,
  { relation, primaryKey, updated }: RowWrites,
  key: Key,
): Promise<void> {
  if (updated === undefined)
    throw new TypeError(`none of the columns of ${relation.name} can be set`);
  const touched = await queries.execute(sql`
    UPDATE ${ident(relation)}
       SET ${ident(updated)} = ${ident(updated)}
     WHERE ${isRow(primaryKey, key)}
  `);
  if (touched === 0) throw new RowNotFound("UPDATE of a row that was there touched 0 rows");
}

/**
 * Inserts a copy of the row and returns its key.
 * @throws RowNotFound if RETURNING returns no row
 */
export async function insertCopy(
  queries: Queries,
  { relation, primaryKey, copied }: RowWrites,
  key: Key,
): Promise<Key> {
  const columns = list(copied.map((column) => ident(column)));
  const rows =
    copied.length === 0
      ? sql`DEFAULT VALUES`
      : sql`
          (${columns})
          SELECT ${columns}
            FROM ${ident(relation)}
           WHERE ${isRow(primaryKey, key)}
        `;
  const [inserted] = await queries.rows(
    sql`
      INSERT INTO ${ident(relation)} ${rows}
      RETURNING ${keyOf(primaryKey)}
    `,
    keySchema,
  );
  // As a client that asks for the new row: the row must be visible to the role that inserted it.
  if (inserted === undefined) throw new RowNotFound("a row just inserted did not come back");
  return inserted.key;
}

/** @throws RowNotFound if the DELETE affects no row */
export async function deleteRow(
  queries: Queries,
  { relation, primaryKey }: RowWrites,
  key: Key,
): Promise<void> {
  const touched = await queries.execute(sql`
    DELETE FROM ${ident(relation)}
     WHERE ${isRow(primaryKey, key)}
  `);
  if (touched === 0) throw new RowNotFound("DELETE of a row of its own touched 0 rows");
}

const knownRows = 300;
const readPages = 30;

/** Keys of a few hundred rows from all parts of the table. */
export async function readKeys(
  queries: Queries,
  { relation, primaryKey }: RowWrites,
  pages: number,
): Promise<Key[]> {
  const percentage = Math.min(100, (100 * readPages) / Math.max(1, pages));
  const sampled = await queries.rows(
    sql`
      SELECT ${keyOf(primaryKey)}
        FROM ${ident(relation)} TABLESAMPLE SYSTEM (${percentage})
       ORDER BY random()
       LIMIT ${knownRows}
    `,
    keySchema,
  );
  if (sampled.length > 0 || percentage === 100) return sampled.map(({ key }) => key);
  // In a table with many empty pages the sample may contain no row.
  const first = await queries.rows(
    sql`SELECT ${keyOf(primaryKey)} FROM ${ident(relation)} LIMIT ${knownRows}`,
    keySchema,
  );
  return first.map(({ key }) => key);
}

const keySchema = z.object({ key: z.array(z.string()) });

function keyOf(primaryKey: readonly string[]): Sql {
  return sql`ARRAY[${list(primaryKey.map((column) => sql`${ident(column)}::text`))}] AS key`;
}

function isRow(primaryKey: readonly string[], key: Key): Sql {
  return list(
    primaryKey.map((column, index) => sql`${ident(column)} = ${key[index] ?? null}`),
    " AND ",
  );
}
