import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { ident, type RelationName, sql } from "../postgres/sql.ts";
import type { Tenancy } from "../steps/tenancy.ts";

const nodeSchema = z.looseObject({
  "Index Cond": z.string().optional(),
  get Plans() {
    return z.array(nodeSchema).optional();
  },
});
type PlanNode = z.output<typeof nodeSchema>;

const explainSchema = z.object({
  "QUERY PLAN": z.array(z.object({ Plan: nodeSchema })),
});

/**
 * Whether the fence can be an index condition, asked of the planner as the persona. Sequential
 * scans are switched off, since on a small table, or with one organization, one would be right.
 */
export async function organizationIsIndexed({
  queries,
  fence,
  tenancy,
}: {
  readonly queries: Queries;
  readonly fence: { readonly relation: RelationName };
  readonly tenancy: Tenancy;
}): Promise<string[]> {
  await queries.execute(sql`SET LOCAL enable_seqscan = off`);
  const plans = await queries.rows(
    sql`
      EXPLAIN (FORMAT JSON)
      SELECT *
        FROM ${ident(fence.relation)}
    `,
    explainSchema,
  );
  await queries.execute(sql`SET LOCAL enable_seqscan = on`);
  const indexed = plans.some((plan) =>
    plan["QUERY PLAN"].some(({ Plan }) => hasCondition(Plan, tenancy.column)),
  );
  return indexed ? [] : [`${tenancy.column} is a filter over every row, not an index condition`];
}

function hasCondition(node: PlanNode, column: string): boolean {
  return (
    node["Index Cond"]?.includes(column) === true ||
    (node.Plans ?? []).some((child) => hasCondition(child, column))
  );
}
