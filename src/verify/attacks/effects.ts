import { ident, type RelationName, type Sql, sql } from "../../postgres/sql.ts";
import { attempt } from "../proof/attempt.ts";
import { asRequest } from "../proof/request.ts";
import type { Violation } from "../proof/violation.ts";
import type { Tried } from "../proof/writing.ts";
import { leavingTriggerOf } from "../rows/leaving-triggers.ts";
import { insertLike } from "../rows/likeness.ts";
import { attackersRequest, type Ground, joinOnly, othersHave } from "./ground.ts";

type Write = {
  readonly what: string;
  readonly object: RelationName;
  readonly statement: Sql;
  /** Without anybody's values. */
  readonly told: Sql;
};

/** What triggers write is locked until it is undone, which is after so many writes. */
const writesAtOnce = 24;

/** A member writes to their own rows: triggers and rules then write nothing to others'. */
export async function tryEffects(ground: Ground): Promise<Tried> {
  await joinOnly(ground, ["own"]);
  const writes: Write[] = [];
  const remarks: string[] = [];
  for (const fence of ground.fences) {
    const trigger = await leavingTriggerOf(ground.queries, fence.relation);
    if (trigger === undefined) writes.push(...(await writesTo(ground, fence)));
    else remarks.push(`${fence.label} was not written to: a rollback does not undo its ${trigger}`);
  }
  const violations: Violation[] = [];
  for (let start = 0; start < writes.length; start += writesAtOnce) {
    const some = writes.slice(start, start + writesAtOnce);
    // One by one only where all at once showed something.
    if (!(await reachesOthers(ground, some))) continue;
    for (const write of some) {
      if (!(await reachesOthers(ground, [write]))) continue;
      violations.push({
        what: `${write.what} writes to others' rows`,
        shown: {
          who: "a member",
          request: attackersRequest(ground),
          object: write.object,
          statement: write.told,
          answer: "rows of the proof's other organization are not what they were",
        },
      });
    }
  }
  return { violations, remarks };
}

async function writesTo(ground: Ground, fence: Ground["fences"][number]): Promise<Write[]> {
  const { queries, settings, tenancy, own } = ground;
  const table = ident(fence.relation);
  const column = ident(tenancy.column);
  const place = fence.placement.places[0];
  const insert = await insertLike({ queries, settings, tenancy, fence, place });
  const object = fence.relation;
  const update = sql`UPDATE ${table} SET ${column} = ${own}::uuid WHERE ${column} = ${own}::uuid`;
  return [
    { what: `inserting into ${fence.label}`, object, ...insert(own) },
    { what: `updating ${fence.label}`, object, statement: update, told: update },
  ];
}

async function reachesOthers(ground: Ground, writes: readonly Write[]): Promise<boolean> {
  const { queries } = ground;
  await queries.execute(sql`SAVEPOINT effects`);
  const before = await othersHave(ground);
  await asRequest(queries, attackersRequest(ground), async () => {
    for (const { statement } of writes) await attempt(queries, statement);
  });
  const after = await othersHave(ground);
  await queries.execute(sql`ROLLBACK TO SAVEPOINT effects`);
  return before !== after;
}
