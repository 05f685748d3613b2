import { randomBytes } from "node:crypto";
import { z } from "zod";
import { ident, type RelationName, type Sql, sql } from "../../postgres/sql.ts";
import { attemptRows } from "../proof/attempt.ts";
import type { Violation } from "../proof/violation.ts";
import type { Tried } from "../proof/writing.ts";
import { attackersRequest, type Ground, joinOnly } from "./ground.ts";

/**
 * The same prepared statement for the member of one organization, then of the other. Without
 * parameters its plan is kept from the first time on, and with it whatever was taken for constant.
 */
export async function tryCachedPlans(ground: Ground): Promise<Tried> {
  const { fences, own } = ground;
  const violations: Violation[] = [];
  for (const { relation, label } of fences) {
    const seen = await seenByTheSecond(ground, relation);
    if (!seen.includes(own)) continue;
    violations.push({
      what: `${label} answers with the rows of who asked before`,
      shown: {
        who: "a member, after a member of another organization in the same session",
        request: attackersRequest(ground),
        object: relation,
        statement: sql`EXECUTE prepared_by_the_other /* ${allOf(ground, relation)} */`,
        answer: `a row of organization ${own}, which the proof made`,
      },
    });
  }
  return { violations, remarks: [] };
}

function allOf({ tenancy }: Ground, relation: RelationName): Sql {
  return sql`SELECT DISTINCT ${ident(tenancy.column)}::text AS organization FROM ${ident(relation)}`;
}

async function seenByTheSecond(ground: Ground, relation: RelationName): Promise<string[]> {
  const { queries } = ground;
  // Prepared statements are no part of the transaction, and a pooled session may have others.
  const name = ident(`tenantry_${randomBytes(6).toString("hex")}`);
  await queries.execute(sql`SAVEPOINT cached`);
  await queries.execute(sql`PREPARE ${name} AS ${allOf(ground, relation)}`);
  const ask = () =>
    attemptRows(
      queries,
      sql`EXECUTE ${name}`,
      z.object({ organization: z.string().nullable() }),
      attackersRequest(ground),
    );
  await joinOnly(ground, ["own"]);
  await ask();
  await joinOnly(ground, ["foreign"]);
  const answer = await ask();
  await queries.execute(sql`DEALLOCATE ${name}`);
  await queries.execute(sql`ROLLBACK TO SAVEPOINT cached`);
  if (answer.kind === "refused") return [];
  return answer.rows.map(({ organization }) => organization ?? "");
}
