import { z } from "zod";
import { ident, sql } from "../../postgres/sql.ts";
import { attemptRows } from "../proof/attempt.ts";
import type { Violation } from "../proof/violation.ts";
import type { Tried } from "../tables/try-writes.ts";
import { type AttackSetup, attackersRequest, joinOnly, labelOf } from "./attack-setup.ts";
import { otherRelations } from "./surroundings.ts";

/** Other relations with the organization's column show a member their own organization only. */
export async function tryOtherRelations(setup: AttackSetup): Promise<Tried> {
  const { queries, tenancy, own } = setup;
  await joinOnly(setup, ["own"]);
  const violations: Violation[] = [];
  const remarks: string[] = [];
  for (const relation of await otherRelations(setup, "all")) {
    if (!relation.hasColumn) continue;
    const column = ident(tenancy.column);
    const request = attackersRequest(setup);
    const object = { schema: relation.schema, name: relation.name };
    const statement = sql`
      SELECT ${column}::text AS organization
        FROM ${ident(object)}
       WHERE ${column} <> ${own}::uuid
       LIMIT 1
    `;
    const seen = await attemptRows(
      queries,
      statement,
      z.object({ organization: z.string() }),
      request,
    );
    const label = labelOf(relation);
    if (seen.kind === "refused") {
      if (seen.sqlState !== "42501") remarks.push(`${label} was not read: ${seen.message}`);
      continue;
    }
    const [row] = seen.rows;
    if (row === undefined) continue;
    const answer = `a row of organization ${row.organization}`;
    violations.push({
      what: `${label} shows others' rows`,
      shown: { who: "a member", request, object, statement, answer },
    });
  }
  return { violations, remarks };
}
