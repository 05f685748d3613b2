import type { Snapshot } from "../../catalog/snapshot.ts";
import { preflightError } from "../../check/refuse.ts";
import { askChecks } from "../../check/run-checks.ts";
import { crossingRows } from "../../check/tables/crossing-rows.ts";
import { isLater, type RunName, type Stage } from "../../steps/model/stage.ts";
import type { Workspace } from "../context/workspace.ts";

/**
 * Rows that would be in another organization than the row that they reference, as far as they do not stop
 * the stages.
 * @throws AppError PREFLIGHT_FAILED where they do
 */
export async function countCrossingRows(
  { session, target, settings, folder }: Workspace,
  snapshot: Snapshot,
  ahead: readonly Stage<RunName>[],
): Promise<readonly string[]> {
  // Tables that came later are counted at the end of their run.
  const stages = ahead.flatMap((stage) => {
    const { name } = stage;
    return isLater(name) ? [] : [{ ...stage, name }];
  });
  if (stages.length === 0) return [];
  const place = { target, snapshot, settings, folder, stages };
  const findings = await askChecks([crossingRows], session, place);
  const error = preflightError(findings, place);
  if (error !== undefined) throw error;
  return findings.map(({ object, fact }) => `${object}: ${fact}`);
}
