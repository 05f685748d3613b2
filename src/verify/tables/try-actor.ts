import type { CheckResult, TriedCommand, TriedOutcome } from "../../events/verification.ts";
import { attemptAll } from "../proof/attempts.ts";
import type { Part, Trial } from "../proof/trial.ts";
import { resultOf } from "../proof/violation.ts";
import { tryIndex } from "./index-use.ts";
import { tryOwnWrites } from "./own-writes.ts";
import { type Reading, tryReading } from "./reading.ts";
import { tryInserting } from "./try-inserts.ts";
import { type TriedTable, tryWriting } from "./try-writes.ts";

/** Tries all of a table as one persona, in one round trip. */
export async function tryActor(trial: Trial): Promise<CheckResult> {
  const { actor, fence, testRows } = trial;
  const parts = {
    reading: tryReading(trial),
    index: tryIndex(trial),
    own: tryOwnWrites(trial),
    writing: tryWriting(trial),
    inserting: tryInserting(trial),
  };
  const outcomes = [
    ...(await attemptAll(
      trial.queries,
      Object.values(parts).flatMap(({ tries }) => tries),
    )),
  ];
  const judge = <Result>(part: Part<Result>): Result =>
    part.judge(outcomes.splice(0, part.tries.length));
  // In the order of the statements.
  const reading = judge(parts.reading);
  const index = await judge(parts.index);
  const alive = await judge(parts.own);
  // What refuses every read refuses every write: it is reported once, together with writes that got through.
  const writes = [judge(parts.writing)(alive), judge(parts.inserting)(alive)].map((tried) =>
    reading.kind === "failed" ? onlyLeaks(tried) : tried,
  );
  const violations = [
    ...reading.violations,
    ...writes.flatMap((tried) => tried.violations),
    ...(reading.kind === "failed" ? [] : alive.violations),
    ...(reading.kind === "allowed" ? index : []),
  ];
  const remarks = [
    // An empty partition is tried through its table, and the audit looks at its guard.
    ...(testRows.locations.length === 0 && fence.isPartition !== true
      ? ["it has no rows and none could be inserted: only inserts and the index were tried"]
      : []),
    ...(testRows.unmoved === undefined
      ? []
      : [`members' own rows were not tried: none could be inserted or moved: ${testRows.unmoved}`]),
    ...reading.remarks,
    ...writes.flatMap((tried) => tried.remarks),
  ];
  const unproven = remarks.map((remark) => `${fence.label}: ${remark}`);
  const tried = (command: TriedCommand) => outcomeOf(command, reading, writes);
  const commands = {
    SELECT: tried("SELECT"),
    INSERT: tried("INSERT"),
    UPDATE: tried("UPDATE"),
    DELETE: tried("DELETE"),
    TRUNCATE: tried("TRUNCATE"),
  };
  const claim = `${fence.label} as ${actor.persona.name}: only their own`;
  const played = { table: fence.label, persona: actor.persona.name, commands };
  return resultOf(claim, violations, { trial: played, unproven });
}

function onlyLeaks(tried: TriedTable): TriedTable {
  const violations = tried.violations.filter(({ shown }) => shown !== undefined);
  return { ...tried, violations, remarks: [] };
}

function outcomeOf(
  command: TriedCommand,
  reading: Reading,
  writes: readonly TriedTable[],
): TriedOutcome {
  if (command === "SELECT") {
    if (reading.kind === "failed") return "untried";
    return reading.violations.length > 0 ? "open" : "held";
  }
  return (
    writes.map(({ commands }) => commands[command]).find((one) => one !== undefined) ?? "untried"
  );
}
