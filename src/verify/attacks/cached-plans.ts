import { randomBytes } from "node:crypto";
import { z } from "zod";
import { ident, type RelationName, type Sql, sql } from "../../postgres/sql.ts";
import { attemptRows } from "../proof/attempt.ts";
import type { Tried } from "../proof/try-writes.ts";
import type { Violation } from "../proof/violation.ts";
import { type AttackSetup, attackersRequest, joinOnly } from "./attack-setup.ts";

/**
 * Executes the same prepared statement as a member of one organization, then of the other. Without
 * parameters its plan is cached at once, with every expression that was folded to a constant.
 */
export async function tryCachedPlans(setup: AttackSetup): Promise<Tried> {
  const { fences, own } = setup;
  const violations: Violation[] = [];
  for (const { relation, label } of fences) {
    const seen = await seenByTheSecond(setup, relation);
    if (!seen.includes(own)) continue;
    violations.push({
      what: `${label} answers with the rows of the user who asked before`,
      shown: {
        who: "a member, after a member of another organization in the same session",
        request: attackersRequest(setup),
        object: relation,
        statement: sql`EXECUTE prepared_by_the_other /* ${allOf(setup, relation)} */`,
        answer: `a row of organization ${own}, which the proof made`,
      },
    });
  }
  return { violations, remarks: [] };
}

function allOf({ tenancy }: AttackSetup, relation: RelationName): Sql {
  return sql`SELECT DISTINCT ${ident(tenancy.column)}::text AS organization FROM ${ident(relation)}`;
}

async function seenByTheSecond(setup: AttackSetup, relation: RelationName): Promise<string[]> {
  const { queries } = setup;
  // Prepared statements are not part of the transaction, and a pooled session may have others.
  const name = ident(`tenantry_${randomBytes(6).toString("hex")}`);
  await queries.execute(sql`SAVEPOINT cached`);
  await queries.execute(sql`PREPARE ${name} AS ${allOf(setup, relation)}`);
  const ask = () =>
    attemptRows(
      queries,
      sql`EXECUTE ${name}`,
      z.object({ organization: z.string().nullable() }),
      attackersRequest(setup),
    );
  await joinOnly(setup, ["own"]);
  await ask();
  await joinOnly(setup, ["foreign"]);
  const answer = await ask();
  await queries.execute(sql`DEALLOCATE ${name}`);
  await queries.execute(sql`ROLLBACK TO SAVEPOINT cached`);
  if (answer.kind === "refused") return [];
  return answer.rows.map(({ organization }) => organization ?? "");
}
