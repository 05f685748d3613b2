import { PassThrough } from "node:stream";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { type Queries, type Session, sqlState } from "../postgres/connection.ts";
import { ident, list, type RelationName, type Sql, sql } from "../postgres/sql.ts";
import { deleteOrphans, planSample, referencesWithin, sampledRows } from "./sample-plan.ts";
import { copySequences } from "./sequences.ts";
import { readSourceTables, type SourceTable } from "./source-table.ts";

export type SampleSize = {
  /** Percentage of the rows of large tables, above 0 and up to 100. */
  readonly percentage: number;
  /** Tables of up to this many rows are copied whole, unless they reference rows that are left out. */
  readonly wholeUpTo?: number;
};

/** How much of a table is in the sample: times are scaled by it. */
export type SampledTable = {
  readonly relation: RelationName;
  /** Rows in the source: exact for a small table, the planner's estimate for a large one. */
  readonly rows: number;
  readonly copied: number;
};

/**
 * Copies a consistent sample of all tables' rows from one snapshot, including every row that a copied row
 * references. The target has the same tables, empty and without keys and triggers, as pg_dump's pre-data
 * section creates them. Its sequences get the source's values. Rows that reference each other in a circle,
 * or rows of their own table, are copied only if every row that they lead to is in the sample.
 * @throws AppError STATEMENT_FAILED naming the table; the target then has no rows
 */
export async function copySample(
  source: Session,
  target: Session,
  { percentage, wholeUpTo = 10_000 }: SampleSize,
): Promise<readonly SampledTable[]> {
  return source.transaction(async (from) => {
    await from.execute(portable);
    // An error is better than rows that row-level security silently leaves out.
    await from.execute(sql`SET LOCAL row_security = off`);
    const tables = await readSourceTables(from);
    const rows = new Map<SourceTable, number>();
    for (const table of tables) {
      rows.set(table, await withTableInError(table, () => countRows(from, table, wholeUpTo)));
    }
    const plan = planSample(tables, (table) => (rows.get(table) ?? 0) <= wholeUpTo);
    return target.transaction(async (to) => {
      await to.execute(portable);
      const copied = new Map<SourceTable, number>();
      for (const sampled of plan.samples) {
        const { table } = sampled;
        const select = sampledRows(sampled, plan, percentage);
        copied.set(table, await withTableInError(table, () => copyRows(from, to, table, select)));
      }
      if (plan.circular) await dropOrphans(to, tables, copied);
      await copySequences(from, to);
      return tables.map((table) => ({
        relation: { schema: table.schema, name: table.name },
        rows: rows.get(table) ?? 0,
        copied: copied.get(table) ?? 0,
      }));
    });
  }, "read only snapshot");
}

/** Writes values so that every server reads them back, as pg_dump does. */
const portable = sql`
  SELECT set_config('search_path', 'pg_catalog', TRUE),
         set_config('datestyle', 'ISO', TRUE),
         set_config('intervalstyle', 'postgres', TRUE),
         set_config('extra_float_digits', '3', TRUE),
         set_config('statement_timeout', '0', TRUE),
         set_config('idle_in_transaction_session_timeout', '0', TRUE)
`;

const countSchema = z.object({ count: z.coerce.number() });

/** A large table is counted only if the planner's estimate says that it is small. */
async function countRows(from: Queries, table: SourceTable, wholeUpTo: number): Promise<number> {
  const [first] = await from.rows(
    sql`
      SELECT count(*)
        FROM (SELECT FROM ONLY ${ident(table)} LIMIT ${wholeUpTo + 1}) AS record
    `,
    countSchema,
  );
  const seen = first?.count ?? 0;
  if (seen <= wholeUpTo) return seen;
  if (table.estimatedRows > wholeUpTo) return table.estimatedRows;
  const [all] = await from.rows(sql`SELECT count(*) FROM ONLY ${ident(table)}`, countSchema);
  return all?.count ?? seen;
}

async function copyRows(
  from: Queries,
  to: Queries,
  table: SourceTable,
  select: Sql,
): Promise<number> {
  const columns = list(table.columns.map((column) => ident(column)));
  const into = table.columns.length === 0 ? ident(table) : sql`${ident(table)} (${columns})`;
  const rows = new PassThrough();
  // If one side fails, it closes the stream, and the other side fails too.
  const [read, written] = await Promise.allSettled([
    from.copyOut(sql`COPY (${select}) TO STDOUT`, rows),
    to.copyIn(sql`COPY ${into} FROM STDIN`, rows),
  ]);
  if (read.status === "rejected") throw read.reason;
  if (written.status === "rejected") throw written.reason;
  return written.value;
}

/** Deletes rows without their referenced rows, until there are none: a deleted row may be referenced too. */
async function dropOrphans(
  to: Queries,
  tables: readonly SourceTable[],
  copied: Map<SourceTable, number>,
): Promise<void> {
  let dropped: number;
  do {
    dropped = 0;
    for (const table of tables) {
      for (const reference of referencesWithin(table, tables)) {
        const orphans = await withTableInError(table, () =>
          to.execute(deleteOrphans(table, reference, tables)),
        );
        copied.set(table, (copied.get(table) ?? 0) - orphans);
        dropped += orphans;
      }
    }
  } while (dropped > 0);
}

async function withTableInError<Result>(
  table: SourceTable,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (sqlState(error) === undefined || !(error instanceof Error)) throw error;
    throw new AppError({
      code: "STATEMENT_FAILED",
      object: `the sample of ${table.schema}.${table.name}`,
      fault: error.message,
      state: "nothing was changed in the source database; the copy has no rows",
      next: "connect with a role that can SELECT all rows (a superuser, or BYPASSRLS), then run the same command again",
      cause: error,
    });
  }
}
