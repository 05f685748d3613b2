import { z } from "zod";
import { ident, sql } from "../postgres/sql.ts";
import { attackersRequest, type Ground, joinOnly, labelOf } from "./ground.ts";
import { attemptRows } from "./impersonation.ts";
import { asRequest } from "./request.ts";
import { relationsBeside } from "./surroundings.ts";
import type { Tried } from "./writing.ts";

/** Whatever else a member can read that names organizations: it names their own only. */
export async function tryRelationsBeside(ground: Ground): Promise<Tried> {
  const { queries, tenancy, own } = ground;
  await joinOnly(ground, ["own"]);
  const violations: string[] = [];
  const remarks: string[] = [];
  for (const relation of await relationsBeside(ground, "all")) {
    if (!relation.hasColumn) continue;
    const column = ident(tenancy.column);
    const seen = await asRequest(queries, attackersRequest(ground), () =>
      attemptRows(
        queries,
        sql`
          SELECT ${column}::text AS organization
            FROM ${ident({ schema: relation.schema, name: relation.name })}
           WHERE ${column} <> ${own}::uuid
           LIMIT 1
        `,
        z.object({ organization: z.string() }),
      ),
    );
    const label = labelOf(relation);
    if (seen.kind === "refused") {
      if (seen.sqlState !== "42501") remarks.push(`${label} was not read: ${seen.message}`);
    } else if (seen.rows.length > 0) violations.push(`${label} shows others' rows`);
  }
  return { violations, remarks };
}
