import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, type RelationName, sql } from "../../postgres/sql.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";
import { type Part, requestOf, type Trial } from "../proof/trial.ts";
import { type Violation, violation } from "../proof/violation.ts";

const nodeSchema = z.looseObject({
  "Index Cond": z.string().optional(),
  "One-Time Filter": z.string().optional(),
  get Plans() {
    return z.array(nodeSchema).optional();
  },
});
type PlanNode = z.output<typeof nodeSchema>;

const explainSchema = z
  .string()
  .transform((json) => z.array(z.object({ Plan: nodeSchema })).parse(JSON.parse(json)));

/**
 * Whether the planner can use the fence as an index condition, as the persona. Sequential scans are
 * disabled, since on a small table, or with one organization, a sequential scan is the right plan.
 */
export function tryIndex(trial: Trial): Part<Promise<readonly Violation[]>> {
  const { queries, fence, tenancy, actor, facts } = trial;
  const reads = actor.organizations.length > 0 && facts.granted.selectOrganization;
  const explain = sql`EXPLAIN (FORMAT JSON) SELECT * FROM ${ident(fence.relation)}`;
  const settings = [["enable_seqscan", "off"]] as const;
  return {
    tries: reads ? [{ as: requestOf(trial), settings, statement: explain, answers: true }] : [],
    async judge([outcome]) {
      if (outcome?.kind !== "done") return [];
      const plans = explainSchema.parse(outcome.answer);
      const indexed = plans.some(
        // Without a policy for SELECT the plan reads no row.
        ({ Plan }) => Plan["One-Time Filter"] === "false" || hasCondition(Plan, tenancy.column),
      );
      if (indexed || (await isTooYoung(queries, fence.relation, tenancy))) return [];
      return [violation(`${tenancy.column} is a filter over every row, not an index condition`)];
    },
  };
}

/**
 * Whether there is an index on the organization that the planner does not use yet: one with indcheckxmin,
 * built over rows that were just updated, is not used while older transactions are open.
 */
async function isTooYoung(
  queries: Queries,
  relation: RelationName,
  tenancy: Tenancy,
): Promise<boolean> {
  const young = await queries.rows(
    sql`
      SELECT i.indexrelid::text AS index
        FROM pg_index i
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        JOIN pg_class c ON i.indrelid = c.oid
                        OR i.indrelid IN (SELECT relid FROM pg_partition_tree(c.oid))
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = ${relation.schema}
         AND c.relname = ${relation.name}
         AND a.attname = ${tenancy.column}
         AND i.indisvalid
         AND i.indcheckxmin
    `,
    z.object({ index: z.string() }),
  );
  return young.length > 0;
}

function hasCondition(node: PlanNode, column: string): boolean {
  return (
    // EXPLAIN doubles the quotes within a name.
    node["Index Cond"]?.includes(column.replaceAll('"', '""')) === true ||
    (node.Plans ?? []).some((child) => hasCondition(child, column))
  );
}
