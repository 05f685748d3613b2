import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { type Sql, sql } from "../../postgres/sql.ts";
import { columnOptions, relationOptions } from "./known-options.ts";

const unknownSchema = z.object({
  option: z.string(),
  of: z.enum(["columns", "relations"]),
  count: z.coerce.number(),
  /** One that has it. */
  example: z.string(),
});

/** An option that PostgreSQL's manual does not know: of an extension, or of a changed server. */
type UnknownOption = z.output<typeof unknownSchema>;

/**
 * What the fingerprint left out since nobody can tell whether it belongs to the schema, in words.
 * @returns undefined where there is no such option
 */
export async function describeUnknownOptions(queries: Queries): Promise<string | undefined> {
  const found = await queries.rows(unknownOptions, unknownSchema);
  if (found.length === 0) return undefined;
  const options = found.map(
    ({ option, of, count, example }: UnknownOption) =>
      `${option} (of ${count} ${count === 1 ? of.slice(0, -1) : of}, as ${example})`,
  );
  return `options that PostgreSQL's manual does not know were not compared: ${options.join(", ")}`;
}

const ours: Sql = sql`
  n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'tenantry')
           AND n.nspname !~ '^pg_(toast_)?temp_'
           AND NOT EXISTS (SELECT
                             FROM pg_depend d
                            WHERE d.classid = 'pg_class'::regclass
                              AND d.objid = c.oid
                              AND d.deptype = 'e')
`;

/** The manual of pg_attribute has options that begin with pg_ for the server's own: they are known. */
const unknownOptions: Sql = sql`
  WITH seen AS (
    SELECT split_part(o, '=', 1) AS option,
           'columns' AS of,
           format('%I.%I.%I', n.nspname, c.relname, a.attname) AS object
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
      JOIN pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN unnest(a.attoptions) AS o
     WHERE a.attnum > 0
       AND NOT a.attisdropped
       AND split_part(o, '=', 1) <> ALL (${columnOptions}::text[])
       AND ${ours}
     UNION ALL
    SELECT split_part(o, '=', 1),
           'relations',
           format('%I.%I', n.nspname, c.relname)
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN unnest(c.reloptions) AS o
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
       AND split_part(o, '=', 1) <> ALL (${relationOptions}::text[])
       AND ${ours}
  )
  SELECT option, of, count(*), min(object) AS example
    FROM seen
   WHERE option !~ '^pg_'
   GROUP BY option, of
   ORDER BY option, of
`;
