import { ident, type Sql, sql } from "../postgres/sql.ts";
import { attackersRequest, type Ground, joinOnly, othersHave } from "./ground.ts";
import { attempt } from "./impersonation.ts";
import { insertLike } from "./likeness.ts";
import { asRequest } from "./request.ts";
import type { Tried } from "./writing.ts";

/** A member writes to their own rows: triggers and rules then write nothing to others'. */
export async function tryEffects(ground: Ground): Promise<Tried> {
  const { queries, settings, tenancy, fences, own } = ground;
  await joinOnly(ground, ["own"]);
  const column = ident(tenancy.column);
  const violations: string[] = [];
  for (const fence of fences) {
    const table = ident(fence.relation);
    const place = fence.placement.places[0];
    const insert = await insertLike({ queries, settings, tenancy, fence, place });
    const writes: readonly (readonly [string, Sql])[] = [
      ["inserting into", insert(own)],
      [
        "updating",
        sql`UPDATE ${table} SET ${column} = ${own}::uuid WHERE ${column} = ${own}::uuid`,
      ],
    ];
    for (const [what, statement] of writes) {
      await queries.execute(sql`SAVEPOINT effect`);
      const before = await othersHave(ground);
      await asRequest(queries, attackersRequest(ground), () => attempt(queries, statement));
      const after = await othersHave(ground);
      await queries.execute(sql`ROLLBACK TO SAVEPOINT effect`);
      if (before !== after) violations.push(`${what} ${fence.label} writes to others' rows`);
    }
  }
  return { violations, remarks: [] };
}
