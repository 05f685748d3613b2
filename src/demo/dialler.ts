import { z } from "zod";
import type { Queries, Session } from "../postgres/connection.ts";
import { ident, list, sql } from "../postgres/sql.ts";
import { diallerGrants, diallerIdentity, diallerPolicies, diallerRoles } from "./dialler-access.ts";
import { type DiallerSize, diallerRows, sizeOf } from "./dialler-rows.ts";
import { diallerTables } from "./dialler-schema.ts";

const defaultRows = 320_000;

/**
 * Fills an empty database with the demo: a Supabase application of one tenant, with the same rows every
 * time. It needs a superuser. If it fails, only the roles stay.
 * @param options.rows the number of leads and calls together, or the number of rows of each large table
 */
export async function makeDialler(
  session: Session,
  options: { readonly rows?: number } | DiallerSize = {},
): Promise<DiallerSize> {
  const size = "leads" in options ? options : sizeOf(options.rows ?? defaultRows);
  for (const role of diallerRoles) await session.execute(role);
  await session.transaction(async (queries) => {
    for (const statement of [...diallerIdentity, ...diallerTables])
      await queries.execute(statement);
    // The rows satisfy the foreign keys; checking half a million keys would take most of the time.
    await queries.execute(sql`SET LOCAL session_replication_role = 'replica'`);
    for (const statement of diallerRows(size)) await queries.execute(statement);
    await indexForeignKeys(queries);
    for (const statement of [...diallerGrants, ...diallerPolicies])
      await queries.execute(statement);
  });
  await session.execute(sql`ANALYZE`);
  return size;
}

const foreignKeySchema = z.object({ relation: z.string(), columns: z.array(z.string()) });

/** Indexes foreign keys after the rows, which is faster; not if a unique index already begins with the key. */
async function indexForeignKeys(queries: Queries): Promise<void> {
  const foreignKeys = await queries.rows(
    sql`
      SELECT relation.relname AS relation,
        ARRAY(
          SELECT attname::text
          FROM unnest(foreign_key.conkey) WITH ORDINALITY AS key (number, position)
          JOIN pg_attribute ON attrelid = relation.oid AND attnum = key.number
          ORDER BY position
        ) AS columns
      FROM pg_constraint AS foreign_key
      JOIN pg_class AS relation ON relation.oid = foreign_key.conrelid
      WHERE foreign_key.contype = 'f'
        AND relation.relnamespace = 'public'::regnamespace
        AND NOT EXISTS (
          SELECT
          FROM pg_index
          WHERE indrelid = relation.oid
            AND indkey[0] = foreign_key.conkey[1]
        )
      ORDER BY relation.relname, foreign_key.conname
    `,
    foreignKeySchema,
  );
  for (const { relation, columns } of foreignKeys) {
    const name = `${relation}_${columns.join("_")}_idx`;
    await queries.execute(sql`
      CREATE INDEX ${ident(name)}
      ON ${ident({ schema: "public", name: relation })} (${list(columns.map((column) => ident(column)))})
    `);
  }
}
