import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, type RelationName, sql, textOf } from "../../postgres/sql.ts";
import { policyNames } from "../../steps/table/fence.ts";
import { type Granted, type Promises, readGranted, readPromises } from "../roles/granted.ts";
import { type RowColumn, rowColumns } from "./insert-like.ts";
import { nonTransactionalTrigger } from "./non-transactional-triggers.ts";

/** What the catalog says about a table: the same for every persona. */
export type TableFacts = {
  readonly columns: readonly RowColumn[];
  /** The columns for INSERT … ON CONFLICT: none without a primary key, with a deferrable one, or with rules. */
  readonly key: readonly string[] | undefined;
  /** Whether MERGE can write to it: PostgreSQL 15 and later, and no table with rules. */
  readonly merges: boolean;
  /** A trigger that does what a rollback does not undo: it must not fire. */
  readonly nonTransactionalTrigger: string | undefined;
  /** What the role of requests is granted on it. */
  readonly granted: Granted;
  /** What the plan's policies let that role do. */
  readonly promises: Promises;
  /** The conditions of the plan's guard, for rows that are there and for new ones; none without a guard. */
  readonly guard: readonly string[];
  /** Whether this session may keep the application's triggers and rules from firing. */
  readonly silences: boolean;
  /** A row's partition is found before policies are checked. */
  readonly partitioned: boolean;
};

const factsSchema = z.object({
  key: z.array(z.string()).nullable(),
  merges: z.boolean(),
  leaving: z.string().nullable(),
  guard: z.array(z.string()),
  partitioned: z.boolean(),
});

/** Reads them from the catalog, for one role of requests. */
export async function readTableFacts(
  queries: Queries,
  relation: RelationName,
  access: { readonly column: string; readonly role: string },
  silences: boolean,
): Promise<TableFacts> {
  const [facts] = await queries.rows(
    sql`
      SELECT (SELECT array_agg(a.attname::text)
                FROM pg_index i
                JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
               WHERE i.indrelid = c.oid
                 AND i.indisprimary
                 AND i.indimmediate
                 AND NOT c.relhasrules) AS key,
             current_setting('server_version_num')::integer >= 150000
             AND NOT c.relhasrules AS merges,
             c.relkind = 'p' AS partitioned,
             ${nonTransactionalTrigger(sql`c.oid`)} AS leaving,
             ARRAY(SELECT DISTINCT condition
                     FROM pg_policy p
                    CROSS JOIN LATERAL unnest(ARRAY[pg_get_expr(p.polqual, p.polrelid),
                                                    pg_get_expr(p.polwithcheck, p.polrelid)]) AS condition
                    WHERE p.polrelid = c.oid
                      AND p.polname = ${policyNames(relation.name).guard}
                      AND condition IS NOT NULL) AS guard
        FROM pg_class c
       WHERE c.oid = ${textOf(ident(relation))}::text::regclass
    `,
    factsSchema,
  );
  if (facts === undefined) throw new Error(`the catalog has no ${relation.name}`);
  const columns = await rowColumns(queries, relation, access);
  const { key, merges, leaving, guard, partitioned } = facts;
  return {
    columns,
    key: key ?? undefined,
    merges,
    nonTransactionalTrigger: leaving ?? undefined,
    granted: await readGranted(queries, relation, access),
    promises: await readPromises(queries, relation, access.role),
    guard,
    partitioned,
    silences,
  };
}
