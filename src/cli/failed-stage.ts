import { AppError, type ErrorCode } from "../errors.ts";
import { runInForce } from "../journal/journal.ts";
import { sqlState } from "../postgres/connection.ts";
import { explainSqlState } from "../postgres/sql-states.ts";
import { whatSpeaksAgainst } from "../rollback/guards.ts";
import { rollBack } from "../rollback/roll-back.ts";
import type { StageName } from "../steps/stage.ts";
import { keepWhatIsLost } from "./keep-attribution.ts";
import { sayNotCompared } from "./not-compared.ts";
import { askWhich } from "./prompt.ts";
import type { WritingWorkplace } from "./workplace.ts";

/** After these, the state is one to go on from, and no reason to undo anything. */
const resumable: readonly ErrorCode[] = [
  "INTERRUPTED",
  "CONNECTION_FAILED",
  "CONNECTION_LOST",
  "LEASE_LOST",
  "STAGE_ALREADY_APPLIED",
  "STAGE_OUT_OF_ORDER",
  "CONFIG_INVALID",
  "PROOF_BLOCKED",
];

export type Decision = "retry" | "roll back" | "stop";

/**
 * A stage that fails rolls itself back, unless somebody is there to be asked. One that was begun by an
 * earlier command may have stood for days: then it is undone only where no guard speaks against it.
 */
export async function decide(
  { session, output, emit }: WritingWorkplace,
  stage: StageName,
  error: unknown,
  { interactive, resumed }: { readonly interactive: boolean; readonly resumed: boolean },
): Promise<Decision> {
  if (!(error instanceof AppError) || resumable.includes(error.code)) return "stop";
  const under = await runInForce(session, stage);
  if (under?.state !== "running") return "stop";
  const against = resumed ? await whatSpeaksAgainst(session, [under]) : [];
  if (!interactive) {
    if (against.length === 0) return "roll back";
    emit({
      kind: "notice",
      text: `${stage} failed and is not rolled back by itself, since it was begun earlier and this speaks against it: ${against.map((line) => line.trim()).join("; ")}. tenantry run goes on with it, tenantry rollback --despite-guards undoes it`,
    });
    return "stop";
  }
  await output.settle();
  const speaks = against.length === 0 ? [] : ["What speaks against rolling it back:", ...against];
  const said = [`${error.object}: ${error.fault}`, ...error.details, ...speaks];
  process.stderr.write(`\n${said.join("\n")}\n`);
  return askWhich<Decision>(`${stage} failed. What now?`, [
    { name: "try again from the step that failed", value: "retry" },
    { name: `roll back ${stage} to where it started`, value: "roll back" },
    { name: "stop and keep the checkpoints (tenantry run goes on)", value: "stop" },
  ]);
}

/** Rolls the failed stage back; what is thrown then says why it failed and what is left of it. */
export async function rolledBack(
  writing: WritingWorkplace,
  stage: StageName,
  error: unknown,
  resumed: boolean,
): Promise<unknown> {
  const under = await runInForce(writing.session, stage);
  if (under === undefined || !(error instanceof AppError)) return error;
  let differences: readonly string[];
  try {
    if (resumed) await keepWhatIsLost(writing, under);
    await sayNotCompared(writing.session, writing.emit);
    differences = await rollBack({ ...writing, online: writing.settings.online }, under);
  } catch (stopped) {
    if (!(stopped instanceof AppError)) throw stopped;
    return new AppError({
      code: error.code,
      object: error.object,
      fault: error.fault,
      details: [...error.details, `the rollback stopped at ${stopped.object}: ${stopped.fault}`],
      state: `${stage} is rolled back in part: ${stopped.state}`,
      next: `tenantry rollback --stage ${stage} goes on with it; then mend the cause`,
      cause: error,
    });
  }
  return new AppError({
    code: error.code,
    object: error.object,
    fault: error.fault,
    details: [...error.details, ...differences],
    state:
      differences.length === 0
        ? `${stage} was rolled back; the schema is as it was before it`
        : `${stage} was rolled back, and the schema differs from before as listed`,
    next:
      explainSqlState(sqlState(error.cause) ?? "")?.next ??
      `mend the cause, then tenantry run --stage ${stage}`,
    cause: error,
  });
}
