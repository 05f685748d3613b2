import { PassThrough } from "node:stream";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { type Queries, type Session, sqlState } from "../postgres/connection.ts";
import { ident, list, type RelationName, type Sql, sql } from "../postgres/sql.ts";
import { deleteOrphans, planSample, referencesWithin, sampledRows } from "./sample-plan.ts";
import { copySequences } from "./sequences.ts";
import { readSourceTables, type SourceTable } from "./source-table.ts";

export type SampleSize = {
  /** Of the rows of large tables, above 0 and up to 100. */
  readonly percentage: number;
  /** Tables of up to so many rows are taken whole, as far as what they refer to is. */
  readonly wholeUpTo?: number;
};

/** How much of a table is in the sample: what times are to be scaled by. */
export type SampledTable = {
  readonly relation: RelationName;
  /** Rows in the source: exact for a small table, the planner's estimate for a large one. */
  readonly rows: number;
  readonly copied: number;
};

/**
 * Copies a consistent sample of all tables' rows, of one moment: whatever a row refers to comes with
 * it. The target has the same tables, empty and without keys and triggers, as pg_dump's pre-data
 * section makes them. Its sequences go on where the source's are. Of rows that refer to each other in
 * a circle, or to rows of their own table, fewer are left: all that they lead to has to be there.
 * @throws AppError STATEMENT_FAILED naming the table; the target then has no rows
 */
export async function copySample(
  source: Session,
  target: Session,
  { percentage, wholeUpTo = 10_000 }: SampleSize,
): Promise<readonly SampledTable[]> {
  return source.transaction(async (from) => {
    await from.execute(portable);
    // Rather an error than rows that row-level security leaves out unsaid.
    await from.execute(sql`SET LOCAL row_security = off`);
    const tables = await readSourceTables(from);
    const rows = new Map<SourceTable, number>();
    for (const table of tables) {
      rows.set(table, await about(table, () => countRows(from, table, wholeUpTo)));
    }
    const plan = planSample(tables, (table) => (rows.get(table) ?? 0) <= wholeUpTo);
    return target.transaction(async (to) => {
      await to.execute(portable);
      const copied = new Map<SourceTable, number>();
      for (const part of plan.parts) {
        const { table } = part;
        const select = sampledRows(part, plan, percentage);
        copied.set(table, await about(table, () => copyRows(from, to, table, select)));
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

/** Values are written so that any server reads them back, as pg_dump does it. */
const portable = sql`
  SELECT set_config('search_path', 'pg_catalog', TRUE),
         set_config('datestyle', 'ISO', TRUE),
         set_config('intervalstyle', 'postgres', TRUE),
         set_config('extra_float_digits', '3', TRUE),
         set_config('statement_timeout', '0', TRUE),
         set_config('idle_in_transaction_session_timeout', '0', TRUE)
`;

const countSchema = z.object({ count: z.coerce.number() });

/** A large table is counted only where the planner's estimate says that it is small. */
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
  // Where one side fails, it takes the stream with it, and so the other.
  const [read, written] = await Promise.allSettled([
    from.copyOut(sql`COPY (${select}) TO STDOUT`, rows),
    to.copyIn(sql`COPY ${into} FROM STDIN`, rows),
  ]);
  if (read.status === "rejected") throw read.reason;
  if (written.status === "rejected") throw written.reason;
  return written.value;
}

/** Until nothing changes: a row that goes may be one that others refer to. */
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
        const orphans = await about(table, () =>
          to.execute(deleteOrphans(table, reference, tables)),
        );
        copied.set(table, (copied.get(table) ?? 0) - orphans);
        dropped += orphans;
      }
    }
  } while (dropped > 0);
}

async function about<Result>(table: SourceTable, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (sqlState(error) === undefined || !(error instanceof Error)) throw error;
    throw new AppError({
      code: "STATEMENT_FAILED",
      object: `the sample of ${table.schema}.${table.name}`,
      fault: error.message,
      state: "nothing was changed in the database that is read; the copy has no rows",
      next: "read with a role that may SELECT all rows (BYPASSRLS), into the tables of pg_dump --section=pre-data",
      cause: error,
    });
  }
}
