import { z } from "zod";
import { sql } from "../../postgres/sql.ts";
import { type AttackSetup, attackersRequest, joinOnly } from "../attacks/attack-setup.ts";
import type { Try } from "../proof/attempt.ts";
import { attemptAll } from "../proof/attempts.ts";
import type { Violation } from "../proof/violation.ts";
import type { Tried } from "../tables/try-writes.ts";
import {
  type LegalWrite,
  type LegalWrites,
  writesThroughViews,
  writesToTables,
} from "./legal-writes.ts";
import {
  countsFrom,
  type Judged,
  judgedTables,
  othersWritten,
  whoseFrom,
  whoseRows,
  writtenCounts,
  writtenSince,
} from "./written.ts";

/** When a member writes their own rows, triggers and rules do not change rows of any other organization. */
export async function tryTableEffects(setup: AttackSetup): Promise<Tried> {
  return tryEffects(setup, await writesToTables(setup));
}

/** Nor when a member writes through a view. */
export async function tryViewEffects(setup: AttackSetup): Promise<Tried> {
  return tryEffects(setup, await writesThroughViews(setup));
}

async function tryEffects(setup: AttackSetup, { writes, remarks }: LegalWrites): Promise<Tried> {
  await joinOnly(setup, ["own"]);
  if (writes.length === 0) return { violations: [], remarks };
  const judged = await judgedTables(setup);
  const as = attackersRequest(setup);
  const nothing: Try = { statement: sql`SELECT 1`, look: writtenCounts };
  // First all of them, without reading a row: only what they write to is counted.
  const outcomes = await attemptAll(setup.queries, [
    nothing,
    ...writes.map(({ statement }): Try => ({ as, statement, look: writtenCounts })),
  ]);
  const violations: Violation[] = [];
  let before = countsFrom(seenBy(outcomes[0]));
  for (const [index, write] of writes.entries()) {
    const outcome = outcomes[index + 1];
    if (outcome?.kind !== "done") continue;
    const after = countsFrom(outcome.seen);
    const written = [...writtenSince(before, after).keys()].flatMap(
      (label) => judged.get(label) ?? [],
    );
    before = after;
    const reached = written.length === 0 ? [] : await reachedBy(setup, write, written);
    for (const label of reached) {
      const { what, object, redacted } = write;
      const answer = `rows of other organizations were written in ${label}`;
      violations.push({
        what: `${what} writes to others' rows`,
        shown: { who: "a member", request: as, object, statement: redacted, answer },
      });
    }
  }
  return { violations, remarks };
}

/** The tables in which a write changes others' rows, of those that it writes to. */
async function reachedBy(
  setup: AttackSetup,
  { statement }: LegalWrite,
  tables: readonly Judged[],
): Promise<readonly string[]> {
  const whose = whoseRows(setup, tables);
  // Both in one text: what was counted, and whose rows are there.
  const look = sql`SELECT jsonb_build_array((${writtenCounts}), (${whose}))::text`;
  const [before, after] = await attemptAll(setup.queries, [
    { statement: sql`SELECT 1`, look },
    { as: attackersRequest(setup), statement, look },
  ]);
  if (after?.kind !== "done" || before?.kind !== "done") return [];
  const [countsBefore, whoseBefore] = bothSchema.parse(before.seen);
  const [countsAfter, whoseAfter] = bothSchema.parse(after.seen);
  const written = writtenSince(countsFrom(countsBefore), countsFrom(countsAfter));
  return othersWritten(written, whoseFrom(whoseBefore), whoseFrom(whoseAfter));
}

const bothSchema = z
  .string()
  .transform((json) => z.tuple([z.string(), z.string()]).parse(JSON.parse(json)));

function seenBy(
  outcome: Awaited<ReturnType<typeof attemptAll>>[number] | undefined,
): string | null {
  return outcome?.kind === "done" ? outcome.seen : null;
}
