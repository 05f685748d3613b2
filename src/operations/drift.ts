import { judge } from "../audit/audit.ts";
import { readFenceState } from "../catalog/fence/state.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { AppError } from "../errors.ts";
import { recordFenceState } from "../journal/fence-states.ts";
import { type Run, readRuns } from "../journal/journal.ts";
import { holdLease, withLease } from "../journal/lease.ts";
import { sessionSettings } from "../postgres/session-settings.ts";
import { withSessions } from "../postgres/sessions.ts";
import { type Drift, driftOfFence, restOfSchema, takesState } from "../verify/drift/drift.ts";
import { fenceScope } from "../verify/drift/scope.ts";
import type { Workspace } from "./context/workspace.ts";
import { emitNotCompared } from "./stage/not-compared.ts";

export type DriftResult = Drift & {
  /** What changed in the rest of the schema, a line each: it is no fault of the fence. */
  readonly rest: readonly string[];
  /** Why the drift fails; undefined where nothing that the fence stands on changed. */
  readonly failure: AppError | undefined;
};

/**
 * What changed since the last stage was applied, or since a change was accepted: of what the fence stands
 * on, and of the rest of the schema. Nothing is changed.
 * @throws AppError AUDIT_IMPOSSIBLE where no stage is applied
 */
export async function readDrift(workspace: Workspace): Promise<DriftResult> {
  const { session, settings, caller } = workspace;
  const drift = await driftThere(workspace);
  await emitNotCompared(session, caller.emit);
  const rest = await restOfSchema(session, drift);
  const findings = judge(drift.findings, settings.audit.accepted);
  const open = findings.filter(({ accepted }) => accepted === undefined).length;
  const { unproven } = drift;
  const failure =
    open + unproven.length === 0
      ? undefined
      : new AppError({
          code: "AUDIT_FAILED",
          object: "what the fence stands on",
          fault: faultOf(open, unproven.length, drift),
          state: "nothing was changed",
          next: `restore what is listed, or accept it as it is now: ${takesState}`,
        });
  return { ...drift, findings, rest, failure };
}

/** A change that was accepted: the state that later changes are compared with. */
export type AcceptedDrift = Pick<Drift, "run" | "findings">;

/**
 * Journals the state as it is now, with the reason and who gave it: later changes are compared with it.
 * Where the journal has no state yet, this takes the first one.
 * @returns the changes that were accepted
 * @throws AppError AUDIT_IMPOSSIBLE where no stage is applied, LEASE_HELD while another command writes
 */
export async function acceptDrift(workspace: Workspace, reason: string): Promise<AcceptedDrift> {
  const { session, settings, target } = workspace;
  // Without a stage there is no lease to take either.
  await driftThere(workspace);
  return withSessions(async (open) => {
    const keeper = await open(target, "tenantry lease", sessionSettings);
    return withLease(keeper, async (lease) => {
      const { run, findings } = await driftThere(workspace);
      const runs = (await readRuns(session)).filter(({ state }) => state === "applied");
      const scope = await fenceScope(session, settings, runs);
      const state = await readFenceState(session, scope);
      const { fingerprint } = await readSnapshot(session);
      await session.transaction(async (queries) => {
        await holdLease(queries, lease.token);
        const acceptance = { reason, fingerprint };
        const changes = findings;
        await recordFenceState(queries, { runId: run.id, state, changes, acceptance });
      });
      return { run, findings };
    });
  });
}

async function driftThere({ session, settings }: Workspace): Promise<Drift> {
  const drift = await driftOfFence(session, settings);
  if (drift !== undefined) return drift;
  throw new AppError({
    code: "AUDIT_IMPOSSIBLE",
    object: "drift",
    fault: "no stage is applied to compare with",
    state: "nothing was changed",
    next: "tenantry status",
  });
}

function faultOf(open: number, unproven: number, drift: Drift): string {
  const parts = [
    ...(open === 0 ? [] : [`changed in ${open} points since ${describeSince(drift)}`]),
    ...(unproven === 0 ? [] : [`${unproven} could not be compared`]),
  ];
  return parts.join(", and ");
}

/** What the state is compared with, in words. */
export function describeSince({ run, since }: Pick<Drift, "run" | "since">): string {
  if (since === undefined || since.reason === null) return describeRun(run);
  return `${since.takenBy} accepted its state at ${since.takenAt.toISOString()}: ${since.reason}`;
}

/** When a run was applied, in words. */
function describeRun({ stage, finishedAt }: Run): string {
  return `${stage} was applied at ${finishedAt?.toISOString() ?? "an unknown time"}`;
}
