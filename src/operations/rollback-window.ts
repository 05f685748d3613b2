import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { finished } from "node:stream/promises";
import { AppError } from "../errors.ts";
import { readFingerprintBefore, readRuns } from "../journal/journal.ts";
import { verifySteps } from "../journal/steps.ts";
import type { Session } from "../postgres/connection.ts";
import { inlined, sql } from "../postgres/sql.ts";
import { runsToUndo } from "../rollback/guards.ts";
import { type Loss, readWindow, type Window } from "../rollback/window.ts";
import type { RunName } from "../steps/model/stage.ts";
import type { Workspace } from "./context/workspace.ts";

export type WindowRequest = {
  /** One stage, or by default all of them. */
  readonly stage?: RunName | "all" | undefined;
  /** A folder for all that would be lost, as CSV. */
  readonly exportTo?: string | undefined;
};

export type WindowResult = Window & {
  readonly stages: readonly RunName[];
  /** The files of the export. */
  readonly files: readonly string[];
  /** Undefined where the rollback would not be refused. */
  readonly failure: AppError | undefined;
};

/**
 * Whether stages can still be rolled back, and what would be lost: the question that a rollback asks
 * first, at any time. It changes nothing.
 * @throws AppError NOTHING_TO_ROLL_BACK, JOURNAL_INCOMPATIBLE
 */
export async function rollbackWindow(
  { session }: Pick<Workspace, "session">,
  { stage, exportTo }: WindowRequest = {},
): Promise<WindowResult> {
  const runs = runsToUndo(await readRuns(session), stage ?? "all");
  for (const { id } of runs) {
    await verifySteps(session, id);
    await readFingerprintBefore(session, id);
  }
  const stages = runs.map((run) => run.stage);
  const window = await readWindow(session, runs);
  const files = exportTo === undefined ? [] : await exportLosses(session, window.losses, exportTo);
  const failure =
    window.refusals.length === 0
      ? undefined
      : new AppError({
          code: "ROLLBACK_REFUSED",
          object: stages.join(", "),
          fault: "a rollback would be refused, because:",
          state: "nothing was changed",
          next: "what guards refuse for is lost with tenantry rollback --despite-guards; export it first: tenantry rollback --check --export FOLDER",
          details: window.refusals,
        });
  return { ...window, stages, files, failure };
}

/** Writes one file for each kind of loss, readable by its owner only. */
async function exportLosses(
  session: Session,
  losses: readonly Loss[],
  folder: string,
): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files: string[] = [];
  await session.transaction(async (queries) => {
    for (const { stage, of, rows } of losses) {
      const name = `${stage}-${of.replaceAll(/[^\p{L}\p{N}]+/gu, "-")}.csv`;
      const file = path.join(folder, name);
      const written = createWriteStream(file, { mode: 0o600, flush: true });
      const copied = queries.copyOut(
        sql`COPY (${inlined(rows)}) TO STDOUT WITH (FORMAT csv, HEADER)`,
        written,
      );
      await Promise.all([copied, finished(written)]);
      files.push(file);
    }
  }, "read only snapshot");
  return files;
}
