import { stages } from "../../stages/index.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { checks } from "../check/index.ts";
import { preflightError } from "../check/refuse.ts";
import { askChecks } from "../check/run-checks.ts";
import { AppError } from "../errors.ts";
import type { Finding } from "../events/finding.ts";
import { readRuns } from "../journal/journal.ts";
import type { Queries } from "../postgres/connection.ts";
import type { Stage, StageName } from "../steps/model/stage.ts";
import type { Workspace } from "./context/workspace.ts";

export type CheckReport = {
  readonly database: string;
  /** How many checks were asked. */
  readonly asked: number;
  readonly findings: readonly Finding[];
  /** Undefined where nothing blocks the stages. */
  readonly failure: AppError | undefined;
};

/** Checks for problems before anything is changed: of the stages that are left, or the one named. */
export async function checkDatabase(
  { session, target, settings, folder }: Workspace,
  { stage }: { readonly stage?: StageName | undefined } = {},
): Promise<CheckReport> {
  const snapshot = await readSnapshot(session);
  const ahead = await stagesAhead(session, stage);
  const place = { target, snapshot, settings, folder, stages: ahead };
  const findings = await askChecks(checks, session, place);
  return {
    database: snapshot.server.database,
    asked: checks.length,
    findings,
    failure: preflightError(findings, place),
  };
}

/** The stages that are still to be begun: the plan of those under way is journaled already. */
async function stagesAhead(
  queries: Queries,
  named: StageName | undefined,
): Promise<readonly Stage[]> {
  const begun = await stagesBegun(queries);
  return stages.filter(({ name }) => !begun.has(name) && (named === undefined || name === named));
}

async function stagesBegun(queries: Queries): Promise<ReadonlySet<StageName>> {
  try {
    const runs = await readRuns(queries);
    return new Set(runs.filter(({ state }) => state !== "rolled back").map(({ stage }) => stage));
  } catch (error) {
    // One of the checks reports it, among the others.
    if (error instanceof AppError && error.code === "JOURNAL_INCOMPATIBLE") return new Set();
    throw error;
  }
}
