import { z } from "zod";
import { relationKey } from "../../config/relation-name.ts";
import { sql } from "../../postgres/sql.ts";
import { type CheckContext, namesAhead, tablesAhead, withPartitions } from "../check.ts";

/** The bytes of an index entry for a uuid, with its header and its part of the page's overhead. */
const indexEntryBytes = 40;

export type Growth = {
  /** New versions of all rows, their entries in the indexes, and the index on the organization. */
  readonly bytes: number;
  /** Write-ahead log: the new rows and index entries, and full-page images of the pages they replace. */
  readonly walBytes: number;
  readonly tables: number;
};

/** How much disk the stages ahead need at most, from the tables' sizes. */
export async function expectGrowth(context: CheckContext): Promise<Growth> {
  const sizes = await context.queries.rows(
    sql`
      SELECT n.nspname::text AS schema,
             c.relname::text AS name,
             pg_relation_size(c.oid) AS heap,
             pg_indexes_size(c.oid) AS indexes,
             greatest(c.reltuples, 0) AS rows
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.oid = ANY (${namesAhead(context)}::text[]::regclass[])
    `,
    z.object({
      schema: z.string(),
      name: z.string(),
      heap: z.coerce.number(),
      indexes: z.coerce.number(),
      rows: z.coerce.number(),
    }),
  );
  const column = context.settings.names.organizationColumn;
  // If the column is filled by its default, or is NOT NULL already, no row is written.
  const unwritten = new Set(
    tablesAhead(context)
      .filter(({ source, existing }) => {
        const there = existing.columns.find(({ name }) => name === column);
        return there === undefined ? source.kind === "default" : there.notNull;
      })
      .flatMap((table) => withPartitions(context, table).map(relationKey)),
  );
  let bytes = 0;
  let walBytes = 0;
  for (const size of sizes) {
    const index = size.rows * indexEntryBytes;
    const written = unwritten.has(relationKey(size)) ? 0 : size.heap + size.indexes;
    bytes += written + index;
    walBytes += 2 * written + index;
  }
  return { bytes: Math.round(bytes), walBytes: Math.round(walBytes), tables: sizes.length };
}
