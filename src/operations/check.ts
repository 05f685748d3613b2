import { stages } from "../../stages/index.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { checks } from "../check/index.ts";
import { preflightError } from "../check/refuse.ts";
import { askChecks } from "../check/run-checks.ts";
import type { AppError } from "../errors.ts";
import type { Finding } from "../events/finding.ts";
import type { StageName } from "../steps/model/stage.ts";
import type { Workspace } from "./context/workspace.ts";
import { stagesAhead } from "./stage/ahead.ts";
import { waysAround } from "./stage/ways-around.ts";

export type CheckReport = {
  readonly database: string;
  /** How many checks were asked. */
  readonly asked: number;
  readonly findings: readonly Finding[];
  /** What the stages leave open around the fence, unless it is fixed, hardened or accepted. */
  readonly around: readonly Finding[];
  /** Undefined where nothing blocks the stages. */
  readonly failure: AppError | undefined;
};

/** Checks for problems before anything is changed: of the stages that are left, or the one named. */
export async function checkDatabase(
  { session, target, settings, folder }: Workspace,
  { stage }: { readonly stage?: StageName | undefined } = {},
): Promise<CheckReport> {
  const snapshot = await readSnapshot(session);
  const ahead = await stagesAhead(session);
  const named = stages.filter(({ name }) => ahead.includes(name) && (stage ?? name) === name);
  const place = { target, snapshot, settings, folder, stages: named };
  const findings = await askChecks(checks, session, place);
  return {
    around: await waysAround({ session, settings }, snapshot, ahead),
    database: snapshot.server.database,
    asked: checks.length,
    findings,
    failure: preflightError(findings, place),
  };
}
