import { readFindings } from "../../audit/read-findings.ts";
import type { Snapshot } from "../../catalog/snapshot.ts";
import { AppError } from "../../errors.ts";
import type { Finding } from "../../events/finding.ts";
import type { StageName } from "../../steps/model/stage.ts";
import type { Workspace } from "../context/workspace.ts";

/**
 * Findings of the audit that no stage ends and nobody accepted; where no role of requests is there, a
 * check reports it.
 */
export async function waysAround(
  { session, settings }: Pick<Workspace, "session" | "settings">,
  snapshot: Snapshot,
  ahead: readonly StageName[],
): Promise<readonly Finding[]> {
  try {
    const findings = await readFindings(session, settings, { snapshot, ahead });
    return findings.filter(({ due, accepted }) => due === undefined && accepted === undefined);
  } catch (error) {
    if (error instanceof AppError && error.code === "AUDIT_IMPOSSIBLE") return [];
    throw error;
  }
}
