import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, sql } from "../../postgres/sql.ts";

/** The extension Citus, where it is installed in this database. */
export type Citus = {
  readonly version: string;
  /** The tables that it keeps in shards: distributed, reference and local ones. */
  readonly tables:
    | { readonly kind: "read"; readonly names: readonly string[] }
    | { readonly kind: "not read"; readonly reason: string };
};

const extensionSchema = z.object({
  version: z.string(),
  schema: z.string().nullable(),
  readable: z.boolean().nullable(),
});

/** Reads whether Citus is installed in this database, and which tables it keeps in shards. */
export async function readCitus(queries: Queries): Promise<Citus | undefined> {
  const [extension] = await queries.rows(
    sql`
      SELECT e.extversion AS version,
             n.nspname::text AS schema,
             has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable
        FROM pg_catalog.pg_extension e
        LEFT JOIN (pg_catalog.pg_depend d
                   JOIN pg_catalog.pg_class c ON c.oid = d.objid
                    AND c.relname = 'pg_dist_partition'
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)
          ON d.classid = 'pg_catalog.pg_class'::regclass
         AND d.refclassid = 'pg_catalog.pg_extension'::regclass
         AND d.refobjid = e.oid
         AND d.deptype = 'e'
       WHERE e.extname = 'citus'
    `,
    extensionSchema,
  );
  if (extension === undefined) return undefined;
  const { version, schema, readable } = extension;
  if (schema === null) {
    return {
      version,
      tables: { kind: "not read", reason: "the table pg_dist_partition does not exist" },
    };
  }
  if (readable !== true) {
    const reason = `permission denied for ${schema}.pg_dist_partition`;
    return { version, tables: { kind: "not read", reason } };
  }
  const tables = await queries.rows(
    sql`
      SELECT format('%I.%I', n.nspname, c.relname) AS name
        FROM ${ident({ schema, name: "pg_dist_partition" })} p
        JOIN pg_catalog.pg_class c ON c.oid = p.logicalrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       ORDER BY 1
    `,
    z.object({ name: z.string() }),
  );
  return { version, tables: { kind: "read", names: tables.map(({ name }) => name) } };
}

/** Which tables Citus keeps in shards, as a sentence. */
export function describeShards({ tables }: Citus): string {
  if (tables.kind === "not read") {
    return `its list of distributed tables could not be read: ${tables.reason}`;
  }
  const { names } = tables;
  if (names.length === 0) return "no table is distributed yet";
  const count = names.length === 1 ? "1 table" : `${names.length} tables`;
  const more = names.length > shown ? ` and ${names.length - shown} more` : "";
  return `it keeps ${count} in shards: ${names.slice(0, shown).join(", ")}${more}`;
}

/** How many tables are named. */
const shown = 10;
