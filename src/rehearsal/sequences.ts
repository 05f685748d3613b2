import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { ident, sql, textOf } from "../postgres/sql.ts";

const sequenceSchema = z.object({ schema: z.string(), name: z.string() });
const valueSchema = z.object({ last: z.string(), called: z.boolean() });

/** Sets the target's sequences to the source's values. */
export async function copySequences(from: Queries, to: Queries): Promise<void> {
  for (const sequence of await from.rows(sequences, sequenceSchema)) {
    const [value] = await from.rows(
      sql`SELECT last_value::text AS last, is_called AS called FROM ${ident(sequence)}`,
      valueSchema,
    );
    if (value === undefined) continue;
    await to.execute(sql`
      SELECT setval(${textOf(ident(sequence))}::regclass, ${value.last}::bigint, ${value.called})
    `);
  }
}

const sequences = sql`
  SELECT n.nspname::text AS schema,
         c.relname::text AS name
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind = 'S'
     AND c.relpersistence <> 't'
     AND n.nspname NOT IN ('pg_catalog', 'information_schema')
     AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass
                        AND d.objid = c.oid
                        AND d.deptype = 'e')
   ORDER BY n.nspname, c.relname
`;
