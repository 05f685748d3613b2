import { z } from "zod";
import { isUserSchema } from "../../catalog/system-schemas.ts";
import { ident, list, literal, type RelationName, type Sql, sql } from "../../postgres/sql.ts";
import { type AttackSetup, labelOf } from "../attacks/attack-setup.ts";
import { isAtOneOf } from "../rows/row-location.ts";

/** A table in which rows are of organizations: a fenced one, or one that is left out and has such a column. */
export type Judged = { readonly relation: RelationName; readonly column: string };

/** Every such table of the database, by its label. */
export async function judgedTables(setup: AttackSetup): Promise<ReadonlyMap<string, Judged>> {
  const { queries, tenancy } = setup;
  const rows = await queries.rows(
    sql`
      SELECT n.nspname::text AS schema,
             c.relname::text AS name,
             a.attname::text AS "column"
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid
       WHERE c.relkind = 'r'
         AND ${isUserSchema(sql`n.nspname`)}
         AND a.attname IN (${tenancy.column}, 'organization_id', 'org_id', 'tenant_id')
         AND a.atttypid = 'uuid'::regtype
         AND NOT a.attisdropped
    `,
    z.object({ schema: z.string(), name: z.string(), column: z.string() }),
  );
  const all: Judged[] = [
    ...rows.map(({ schema, name, column }) => ({ relation: { schema, name }, column })),
    { relation: tenancy.organizations, column: "id" },
  ];
  return new Map(all.map((one) => [labelOf(one.relation), one]));
}

/**
 * How many rows of each table this transaction wrote, also in subtransactions that were rolled back: so what a
 * statement wrote is the difference to the one before. No row is read for it.
 */
export const writtenCounts: Sql = sql`
  SELECT coalesce(jsonb_object_agg(schemaname || '.' || relname, jsonb_build_array(n_tup_ins, n_tup_upd, n_tup_del)), '{}')::text
    FROM pg_stat_xact_user_tables
   WHERE n_tup_ins + n_tup_upd + n_tup_del > 0
`;

const countsSchema = z.record(z.string(), z.tuple([z.number(), z.number(), z.number()]));

/** Rows that were inserted, updated and deleted, by table. */
export type Counts = ReadonlyMap<string, readonly [number, number, number]>;

export function countsFrom(seen: string | null): Counts {
  return new Map(Object.entries(countsSchema.parse(JSON.parse(seen ?? "{}"))));
}

/** What was written between two counts. */
export function writtenSince(before: Counts, after: Counts): Counts {
  const written = new Map<string, readonly [number, number, number]>();
  for (const [label, [inserted, updated, deleted]] of after) {
    const [i, u, d] = before.get(label) ?? [0, 0, 0];
    if (inserted > i || updated > u || deleted > d)
      written.set(label, [inserted - i, updated - u, deleted - d]);
  }
  return written;
}

/**
 * Whose rows this transaction wrote in some tables, for each of them: whether rows of others are among those
 * that it wrote and left, and how many rows the attacker's organization has. Other sessions' writes do not
 * matter: a row is this transaction's if its xmin is in progress and it is visible.
 */
export function whoseRows(setup: AttackSetup, tables: readonly Judged[]): Sql {
  const { own, foreign, tenancy } = setup;
  const parts = tables.map(({ relation, column }) => {
    const key = ident(column);
    const planted = setup.fences.flatMap(({ testRows }) => testRows.locations);
    const isPlanted = sql`(${isAtOneOf(planted)})`;
    const isOurs =
      relation.name === tenancy.memberships.name || relation.name === tenancy.organizations.name
        ? sql`${key} <> ALL (ARRAY[${own}, ${foreign}]::uuid[])`
        : sql`${key} <> ${own}::uuid AND NOT ${isPlanted}`;
    return sql`
      SELECT ${literal(labelOf(relation))} AS label,
             EXISTS (SELECT
                       FROM ${ident(relation)}
                      WHERE ${isOurs}
                        AND xmin::text::bigint >= pg_current_xact_id()::text::bigint & 4294967295
                        AND pg_xact_status((((pg_current_xact_id()::text::bigint >> 32) << 32) + xmin::text::bigint)::text::xid8) = 'in progress') AS others,
             (SELECT count(*) FROM ${ident(relation)} WHERE ${key} = ${own}::uuid) AS own`;
  });
  return sql`
    SELECT coalesce(jsonb_object_agg(label, jsonb_build_array(others, own)), '{}')::text
      FROM (${list(parts, " UNION ALL ")}) AS looked
  `;
}

const whoseSchema = z.record(z.string(), z.tuple([z.boolean(), z.number()]));

export type Whose = z.output<typeof whoseSchema>;

export function whoseFrom(seen: string | null): Whose {
  return whoseSchema.parse(JSON.parse(seen ?? "{}"));
}

/** The tables in which rows of others were written, by what was counted and what is there before and after. */
export function othersWritten(written: Counts, before: Whose, after: Whose): readonly string[] {
  return [...written].flatMap(([label, [inserted, , deleted]]) => {
    const [hasOthers = false, ownAfter = 0] = after[label] ?? [];
    const [, ownBefore = 0] = before[label] ?? [];
    if (!(label in after)) return [];
    // Rows that are gone and were not the attacker's were others'; more rows than were inserted are stolen.
    const lost = ownBefore + inserted - ownAfter;
    const isLeak = hasOthers || deleted > Math.max(lost, 0) || ownAfter > ownBefore + inserted;
    return isLeak ? [label] : [];
  });
}
