import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { type Sql, sql } from "../../postgres/sql.ts";
import { isUserSchema } from "../system-schemas.ts";
import { columnOptions, relationOptions } from "./known-options.ts";

const unknownSchema = z.object({
  option: z.string(),
  of: z.enum(["columns", "relations"]),
  count: z.coerce.number(),
  /** One object that has it. */
  example: z.string(),
});

/** An option that PostgreSQL's manual does not document: of an extension, or of a modified server. */
type UnknownOption = z.output<typeof unknownSchema>;

/**
 * The options that the fingerprint leaves out because they are not documented, as a sentence.
 * @returns undefined if there is no such option
 */
export async function describeUnknownOptions(queries: Queries): Promise<string | undefined> {
  const found = await queries.rows(unknownOptions, unknownSchema);
  if (found.length === 0) return undefined;
  const options = found.map(
    ({ option, of, count, example }: UnknownOption) =>
      `${option} (of ${count} ${count === 1 ? of.slice(0, -1) : of}, as ${example})`,
  );
  return `options that PostgreSQL's manual does not document were not compared: ${options.join(", ")}`;
}

const ofApplication: Sql = sql`
  ${isUserSchema(sql`n.nspname`)}
           AND NOT EXISTS (SELECT
                             FROM pg_depend d
                            WHERE d.classid = 'pg_class'::regclass
                              AND d.objid = c.oid
                              AND d.deptype = 'e')
`;

/** Options that begin with pg_ are internal to the server, so they are not reported. */
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
       AND ${ofApplication}
     UNION ALL
    SELECT split_part(o, '=', 1),
           'relations',
           format('%I.%I', n.nspname, c.relname)
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN unnest(c.reloptions) AS o
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
       AND split_part(o, '=', 1) <> ALL (${relationOptions}::text[])
       AND ${ofApplication}
  )
  SELECT option, of, count(*), min(object) AS example
    FROM seen
   WHERE option !~ '^pg_'
   GROUP BY option, of
   ORDER BY option, of
`;
