import { z } from "zod";
import type { Queries, Session } from "../../postgres/connection.ts";
import { ident, type Sql, sql } from "../../postgres/sql.ts";
import { type CountedTable, dumpedTables, rowHash } from "../dump/contents.ts";

/** How a table's rows change when a restored database replaces the live one. */
export type LostRows = {
  readonly table: string;
  /** Rows that were inserted or updated since the backup: they are lost. */
  readonly lost: number;
  /** Rows of the backup that were updated or deleted since: they come back. */
  readonly back: number;
};

/**
 * Compares the rows of the live database with those of the restored one, table by table, over the
 * columns that the backup has. Tables without a difference are left out.
 */
export async function countLostRows(live: Session, restored: Session): Promise<LostRows[]> {
  return live.transaction(
    (liveQueries) =>
      restored.transaction(async (restoredQueries) => {
        const before = await dumpedTables(restoredQueries);
        const now = await dumpedTables(liveQueries);
        const differences: LostRows[] = [];
        for (const table of before) {
          const found = now.find((one) => nameOf(one) === nameOf(table));
          const there = new Set(found?.columns.map(({ name }) => name));
          const columns = table.columns.filter(({ name }) => there.has(name));
          const difference = await compareTable(
            {
              queries: liveQueries,
              table: found === undefined ? undefined : { ...found, columns },
            },
            { queries: restoredQueries, table: { ...table, columns } },
          );
          if (difference.lost + difference.back > 0) {
            differences.push({ table: nameOf(table), ...difference });
          }
        }
        for (const table of now) {
          if (before.some((one) => nameOf(one) === nameOf(table))) continue;
          const lost = await countAll(liveQueries, table);
          if (lost > 0) differences.push({ table: nameOf(table), lost, back: 0 });
        }
        return differences;
      }, "read only snapshot"),
    "read only snapshot",
  );
}

function nameOf({ relation }: CountedTable): string {
  return `${relation.schema}.${relation.name}`;
}

type Side = { readonly queries: Queries; readonly table: CountedTable | undefined };

/** Merges the two sides, each in the order of its rows' hashes. */
async function compareTable(live: Side, restored: Side): Promise<Omit<LostRows, "table">> {
  const one = hashes(live);
  const other = hashes(restored);
  let [now, before] = [await one.next(), await other.next()];
  let lost = 0;
  let back = 0;
  while (now !== undefined || before !== undefined) {
    if (before === undefined || (now !== undefined && now.hash < before.hash)) {
      lost += now?.rows ?? 0;
      now = await one.next();
    } else if (now === undefined || before.hash < now.hash) {
      back += before.rows;
      before = await other.next();
    } else {
      lost += Math.max(0, now.rows - before.rows);
      back += Math.max(0, before.rows - now.rows);
      [now, before] = [await one.next(), await other.next()];
    }
  }
  return { lost, back };
}

type Hash = { readonly hash: bigint; readonly rows: number };

const hashSchema = z.object({
  hash: z.string().transform((text) => BigInt(text)),
  rows: z.coerce.number(),
});

const fetchedRows = 20_000;

/** The hashes of a table's rows in order, read through a cursor, because a large table does not fit in memory. */
function hashes({ queries, table }: Side): { next(): Promise<Hash | undefined> } {
  let fetched: Hash[] = [];
  let position = 0;
  let open = false;
  let done = table === undefined;
  return {
    async next() {
      if (table === undefined) return undefined;
      if (!open) {
        await queries.execute(declareCursor(table));
        open = true;
      }
      if (position === fetched.length && !done) {
        fetched = await queries.rows(sql`FETCH ${fetchCount} FROM tenantry_rows`, hashSchema);
        position = 0;
        done = fetched.length < fetchedRows;
        if (done) await queries.execute(sql`CLOSE tenantry_rows`);
      }
      const hash = fetched[position];
      position += 1;
      return hash;
    },
  };
}

/** FETCH does not take parameters. */
const fetchCount: Sql = { parts: [String(fetchedRows)], values: [] };

function declareCursor({ relation, columns }: CountedTable): Sql {
  return sql`
    DECLARE tenantry_rows NO SCROLL CURSOR FOR
     SELECT ${rowHash(columns)}::text AS hash,
            count(*) AS rows
       FROM ONLY ${ident(relation)} AS record
      GROUP BY ${rowHash(columns)}
      ORDER BY ${rowHash(columns)}
  `;
}

async function countAll(queries: Queries, { relation }: CountedTable): Promise<number> {
  const [row] = await queries.rows(
    sql`SELECT count(*) AS rows FROM ONLY ${ident(relation)}`,
    z.object({ rows: z.coerce.number() }),
  );
  return row?.rows ?? 0;
}
