import { asInFingerprint, compareFenceStates } from "../../catalog/fence/compare.ts";
import { type FenceState, readFenceState } from "../../catalog/fence/state.ts";
import { differenceInAttributes } from "../../catalog/fingerprint/difference-words.ts";
import { compareFingerprints } from "../../catalog/fingerprint/fingerprint.ts";
import { readSnapshot } from "../../catalog/snapshot.ts";
import type { Settings } from "../../config/settings.ts";
import type { Finding } from "../../events/finding.ts";
import { type RecordedFenceState, readRecordedFenceState } from "../../journal/fence-states.ts";
import { type Run, readFingerprintAfter, readRuns } from "../../journal/journal.ts";
import type { Session } from "../../postgres/connection.ts";
import type { RunName } from "../../steps/model/stage.ts";
import { readRoles } from "../roles/roles.ts";
import { findingsOf } from "./findings.ts";
import { rolesOf } from "./scope.ts";

/** What changed since the last stage was applied, or since somebody accepted a change. */
export type Drift = {
  /** The last stage that is applied. */
  readonly run: Run;
  /** The state that it is compared with; undefined where the journal has none. */
  readonly since: Pick<RecordedFenceState, "takenAt" | "takenBy" | "reason"> | undefined;
  /** Changes of what the fence stands on. */
  readonly findings: readonly Finding[];
  /** What could not be compared, a sentence each. */
  readonly unproven: readonly string[];
};

/** The command that takes the state as it is now. */
export const takesState = 'tenantry audit --drift --accept "reason"';

/**
 * What of all that the fence stands on is not as it was when the last stage was applied, or when the
 * changes since were accepted. It only reads.
 * @returns undefined where no stage is applied
 */
export async function driftOfFence(
  session: Session,
  settings: Settings,
): Promise<Drift | undefined> {
  const run = (await readRuns(session)).findLast(({ state }) => state === "applied");
  if (run === undefined) return undefined;
  const since = await readRecordedFenceState(session, run.id);
  if (since === undefined) {
    const unproven = `the fence: its state when ${run.stage} was applied is not in the journal, which an earlier version of Tenantry wrote: to take it as it is now, run ${takesState}`;
    return { run, since, findings: [], unproven: [unproven] };
  }
  const { findings, unproven } = await driftSince(session, settings, since.state);
  const earlier = since.reason === null ? since.changes : [];
  return { run, since, findings: [...earlier, ...findings], unproven };
}

/** The changes from before a stage, as findings that stay until somebody accepts them. */
export async function driftBefore(
  session: Session,
  settings: Settings,
  stage: RunName,
): Promise<readonly Finding[]> {
  const drift = await driftOfFence(session, settings);
  return (drift?.findings ?? []).map((finding) => {
    const { fact } = finding;
    const told = fact.endsWith(" began") ? fact : `${fact}, before ${stage} began`;
    return { ...finding, fact: told };
  });
}

/** The difference from a state. */
export async function driftSince(
  session: Session,
  settings: Settings,
  before: FenceState,
): Promise<Pick<Drift, "findings" | "unproven">> {
  const now = await readFenceState(session, before.scope);
  const roles = rolesOf(await readRoles(session, settings));
  const compared = [...before.scope.roles.requests, before.scope.roles.login];
  const others = [...roles.requests, roles.login].filter(
    (role) => role !== null && !compared.includes(role),
  );
  return {
    findings: findingsOf(compareFenceStates(before, now)),
    unproven: others.map(
      (role) =>
        `role ${role}: the configuration names it, and the state in the journal does not have it: to take it as it is now, run ${takesState}`,
    ),
  };
}

/** The rest of the schema: what changed of it, a line each, is no fault of the fence. */
export async function restOfSchema(session: Session, drift: Drift): Promise<readonly string[]> {
  const recorded = await readRecordedFenceState(session, drift.run.id);
  const before = recorded?.fingerprint ?? (await readFingerprintAfter(session, drift.run.id));
  if (before === undefined) return [];
  const { fingerprint } = await readSnapshot(session);
  const told = new Set(drift.findings.map(({ object }) => asInFingerprint(object)));
  return compareFingerprints(before, fingerprint)
    .filter(({ object }) => !told.has(object))
    .flatMap(differenceInAttributes);
}
