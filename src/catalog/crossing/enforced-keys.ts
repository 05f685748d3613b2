import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { sql } from "../../postgres/sql.ts";

const keySchema = z.object({
  schema: z.string(),
  table: z.string(),
  name: z.string(),
  /** Why rows may violate it; null where it holds for every row. */
  doubt: z.string().nullable(),
});

/** A foreign key, and whether the server enforces it. */
export type EnforcedKey = z.output<typeof keySchema>;

/**
 * The foreign keys of the database, each with what keeps it from holding: NOT VALID, NOT ENFORCED
 * (PostgreSQL 18), or a trigger of it that is disabled on either table or on a partition. `DISABLE TRIGGER
 * ALL` does that, and leaves the key valid.
 */
export function readEnforcedKeys(queries: Queries): Promise<EnforcedKey[]> {
  return queries.rows(
    sql`
      WITH RECURSIVE part AS (
        SELECT oid AS key,
               oid
          FROM pg_constraint
         WHERE contype = 'f'
           AND conparentid = 0
         UNION ALL
        SELECT part.key,
               k.oid
          FROM part
          JOIN pg_constraint k ON k.conparentid = part.oid
      ), disabled AS (
        SELECT part.key,
               min(t.tgrelid::regclass::text) AS of
          FROM part
          JOIN pg_trigger t ON t.tgconstraint = part.oid
         WHERE t.tgenabled NOT IN ('O', 'A')
         GROUP BY part.key
      )
      SELECT n.nspname AS schema,
             c.relname AS table,
             k.conname AS name,
             CASE
               WHEN disabled.of IS NOT NULL THEN format('its triggers are disabled on %s', disabled.of)
               WHEN to_jsonb(k) ->> 'conenforced' = 'false' THEN 'it is NOT ENFORCED'
               WHEN NOT k.convalidated THEN 'it is NOT VALID'
             END AS doubt
        FROM pg_constraint k
        JOIN pg_class c ON c.oid = k.conrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN disabled ON disabled.key = k.oid
       WHERE k.contype = 'f'
         AND k.conparentid = 0
    `,
    keySchema,
  );
}
