import { randomBytes } from "node:crypto";
import { z } from "zod";
import { ident, type RelationName, sql } from "../postgres/sql.ts";
import { attackersRequest, type Ground, joinOnly } from "./ground.ts";
import { attemptRows } from "./impersonation.ts";
import { asRequest } from "./request.ts";
import type { Tried } from "./writing.ts";

/**
 * The same prepared statement for the member of one organization, then of the other. Without
 * parameters its plan is kept from the first time on, and with it whatever was taken for constant.
 */
export async function tryCachedPlans(ground: Ground): Promise<Tried> {
  const { fences, own } = ground;
  const violations: string[] = [];
  for (const { relation, label } of fences) {
    const seen = await seenByTheSecond(ground, relation);
    if (seen.includes(own)) violations.push(`${label} answers with the rows of who asked before`);
  }
  return { violations, remarks: [] };
}

async function seenByTheSecond(ground: Ground, relation: RelationName): Promise<string[]> {
  const { queries, tenancy } = ground;
  // Prepared statements are no part of the transaction, and a pooled session may have others.
  const name = ident(`tenantry_${randomBytes(6).toString("hex")}`);
  await queries.execute(sql`SAVEPOINT cached`);
  await queries.execute(sql`
    PREPARE ${name} AS
      SELECT DISTINCT ${ident(tenancy.column)}::text AS organization
        FROM ${ident(relation)}
  `);
  const ask = () =>
    asRequest(queries, attackersRequest(ground), () =>
      attemptRows(queries, sql`EXECUTE ${name}`, z.object({ organization: z.string().nullable() })),
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
