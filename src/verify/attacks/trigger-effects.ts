import { ident, type RelationName, type Sql, sql } from "../../postgres/sql.ts";
import { attempt } from "../proof/attempt.ts";
import { asRequest } from "../proof/request.ts";
import type { Tried } from "../proof/try-writes.ts";
import type { Violation } from "../proof/violation.ts";
import { insertLike, rowColumns } from "../rows/insert-like.ts";
import { nonTransactionalTriggerOf } from "../rows/non-transactional-triggers.ts";
import { type AttackSetup, attackersRequest, joinOnly, othersHave } from "./attack-setup.ts";

type Write = {
  readonly what: string;
  readonly object: RelationName;
  readonly statement: Sql;
  /** The statement without values of existing rows. */
  readonly redacted: Sql;
};

/** Rows that triggers write stay locked until they are undone, after this many writes. */
const writesAtOnce = 24;

/** When a member writes their own rows, triggers and rules do not change others' rows. */
export async function tryTriggerEffects(setup: AttackSetup): Promise<Tried> {
  await joinOnly(setup, ["own"]);
  const writes: Write[] = [];
  const remarks: string[] = [];
  for (const fence of setup.fences) {
    const trigger = await nonTransactionalTriggerOf(setup.queries, fence.relation);
    if (trigger === undefined) writes.push(...(await writesTo(setup, fence)));
    else
      remarks.push(
        `${fence.label} was not written to: a rollback does not undo its trigger ${trigger}`,
      );
  }
  const violations: Violation[] = [];
  for (let start = 0; start < writes.length; start += writesAtOnce) {
    const some = writes.slice(start, start + writesAtOnce);
    // One by one only where all at once showed something.
    if (!(await reachesOthers(setup, some))) continue;
    for (const write of some) {
      if (!(await reachesOthers(setup, [write]))) continue;
      violations.push({
        what: `${write.what} writes to others' rows`,
        shown: {
          who: "a member",
          request: attackersRequest(setup),
          object: write.object,
          statement: write.redacted,
          answer: "rows of the proof's other organization changed",
        },
      });
    }
  }
  return { violations, remarks };
}

async function writesTo(
  setup: AttackSetup,
  fence: AttackSetup["fences"][number],
): Promise<Write[]> {
  const { queries, settings, tenancy, own } = setup;
  const table = ident(fence.relation);
  const column = ident(tenancy.column);
  const access = { column: tenancy.column, role: settings.roles.signedIn };
  const [first] = fence.testRows.records;
  const columns = await rowColumns(queries, fence.relation, access);
  const insert = insertLike(fence.relation, tenancy.column, columns, first);
  const object = fence.relation;
  const update = sql`UPDATE ${table} SET ${column} = ${own}::uuid WHERE ${column} = ${own}::uuid`;
  return [
    { what: `inserting into ${fence.label}`, object, ...insert(own) },
    { what: `updating ${fence.label}`, object, statement: update, redacted: update },
  ];
}

async function reachesOthers(setup: AttackSetup, writes: readonly Write[]): Promise<boolean> {
  const { queries } = setup;
  await queries.execute(sql`SAVEPOINT effects`);
  const before = await othersHave(setup);
  await asRequest(queries, attackersRequest(setup), async () => {
    for (const { statement } of writes) await attempt(queries, statement);
  });
  const after = await othersHave(setup);
  await queries.execute(sql`ROLLBACK TO SAVEPOINT effects`);
  return before !== after;
}
