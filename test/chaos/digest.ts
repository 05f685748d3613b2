import { createHash } from "node:crypto";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import type { ChaosServer } from "./server.ts";

/** Rows of the application's writer have keys from here on: they are counted, not compared. */
export const writersKeys = 1_000_000;

/** What a database is: to be equal in a disturbed and an undisturbed run. */
export type Digest = {
  /** As `pg_dump --schema-only` prints it. */
  readonly schema: string;
  /** Tenantry's own fingerprint. */
  readonly fingerprint: string;
  /** A digest of the rows of each table. */
  readonly rows: Readonly<Record<string, string>>;
};

/** Reads what a database is now. */
export async function digestOf(server: ChaosServer, database: string): Promise<Digest> {
  const schema = await server.schemaOf(database);
  return server.inDatabase(database, async (session) => ({
    schema,
    fingerprint: (await readSnapshot(session)).fingerprint.digest,
    rows: await rowsOf(session),
  }));
}

const columnSchema = z.object({ table: z.string(), columns: z.array(z.string()) });

/** Every table's rows, without what is random or a time in them. */
async function rowsOf(session: Session): Promise<Digest["rows"]> {
  const tables = await session.rows(
    sql`
      SELECT c.relname::text AS "table",
             array_agg(a.attname::text ORDER BY a.attname) AS columns
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
       WHERE c.relnamespace = 'public'::regnamespace
         AND c.relkind = 'r'
         AND a.atttypid <> 'timestamptz'::regtype
         AND coalesce(pg_get_expr(d.adbin, d.adrelid), '') !~ 'gen_random_uuid'
       GROUP BY c.relname
       ORDER BY c.relname
    `,
    columnSchema,
  );
  const digests: Record<string, string> = {};
  for (const { table, columns } of tables) {
    const row = columns.map((column) => sql`${ident(column)}`);
    const own = columns.includes("id") && ["leads", "calls"].includes(table);
    const [found] = await session.rows(
      sql`
        SELECT coalesce(md5(string_agg(line, E'\n' ORDER BY line)), 'empty') AS digest,
               count(*)::integer AS count
          FROM (SELECT row_to_json(r)::text AS line
                  FROM (SELECT ${row.slice(1).reduce((list, one) => sql`${list}, ${one}`, row[0] ?? sql`1`)}
                          FROM ${ident({ schema: "public", name: table })}
                         WHERE ${own ? sql`id < ${writersKeys}` : sql`TRUE`}) AS r) AS lines
      `,
      z.object({ digest: z.string(), count: z.number() }),
    );
    digests[table] = `${found?.count ?? 0} rows ${found?.digest ?? ""}`;
  }
  return digests;
}

/** In what two databases differ, in words; nothing where they are equal. */
export function differences(wanted: Digest, found: Digest): readonly string[] {
  const words: string[] = [];
  if (wanted.schema !== found.schema) {
    words.push("the schema differs:", ...lineDifferences(wanted.schema, found.schema));
  }
  if (wanted.fingerprint !== found.fingerprint) words.push("the fingerprint differs");
  for (const table of new Set([...Object.keys(wanted.rows), ...Object.keys(found.rows)])) {
    const [before, after] = [wanted.rows[table] ?? "absent", found.rows[table] ?? "absent"];
    if (before !== after) words.push(`rows of ${table}: ${after} instead of ${before}`);
  }
  return words;
}

function lineDifferences(wanted: string, found: string): string[] {
  const [left, right] = [new Set(wanted.split("\n")), new Set(found.split("\n"))];
  const missing = [...left].filter((line) => !right.has(line)).map((line) => `  - ${line}`);
  const added = [...right].filter((line) => !left.has(line)).map((line) => `  + ${line}`);
  const lines = [...missing, ...added].slice(0, 12);
  return lines.length > 0 ? lines : ["  the same lines in another order"];
}

/** A short name of a digest. */
export function shortDigest(digest: Digest): string {
  return createHash("sha256").update(JSON.stringify(digest)).digest("hex").slice(0, 12);
}
