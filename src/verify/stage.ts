import { judge } from "../audit/audit.ts";
import { type ReadCalls, readFindings } from "../audit/read-findings.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { relationKey } from "../config/relation-name.ts";
import type { Settings } from "../config/settings.ts";
import { AppError } from "../errors.ts";
import type { Listener } from "../events/events.ts";
import type { Finding } from "../events/finding.ts";
import {
  allResults,
  byReason,
  type CheckResult,
  type StageVerification,
  standingOf,
  stateOf,
} from "../events/verification.ts";
import type { Run } from "../journal/journal.ts";
import { eachStep } from "../journal/steps.ts";
import { counted } from "../number-formats.ts";
import type { Session } from "../postgres/connection.ts";
import { type RunName, stageNames } from "../steps/model/stage.ts";
import { checksOf } from "../steps/model/step.ts";
import { accept } from "./accepted.ts";
import { tryAttacks } from "./attacks/attacks.ts";
import { ask } from "./checks.ts";
import { verifyNoShards } from "./citus.ts";
import { type Drift, driftOfFence } from "./drift/drift.ts";
import { tryEveryUser, tryUnnamedSession, tryWithoutIdentity } from "./identity/identity.ts";
import { tryIsolation } from "./proof/isolation.ts";
import { withLogin } from "./proof/login.ts";
import { resultOf, violation } from "./proof/violation.ts";
import { tryFunctions } from "./roles/fence-functions.ts";
import { tryRoleSettings } from "./roles/role-settings.ts";
import { verifyCrossing } from "./rows/crossing-rows.ts";
import { withFixes } from "./with-fixes.ts";

type Reach = "the fence" | "and around it" | "and around it, on a clone";

/** What is verified, and how far. */
type Verification = {
  readonly settings: Settings;
  readonly run: Run;
  /** Tables that came later, which are verified with it. */
  readonly later?: readonly Run[];
  /**
   * Whether other objects are tried too: views, functions, files. They may have existed before the
   * stage, which does not fix them.
   */
  readonly reach: Reach;
  readonly emit: Listener;
  /** The application's calls of functions, which proposals for functions take into account. */
  readonly readCalls?: ReadCalls;
};

/**
 * Verifies an applied stage: the lasting checks of its steps, its criteria, its isolation, and what the
 * catalog shows. It writes in transactions that it rolls back, and locks rows meanwhile.
 */
export async function verifyStage(
  session: Session,
  { settings, run, later = [], reach, emit, readCalls }: Verification,
): Promise<StageVerification> {
  const checks: CheckResult[] = [];
  for (const { id } of [run, ...later]) {
    for await (const { definition } of eachStep(session, id)) {
      const lasting = checksOf(definition).filter((check) => check.lasting);
      checks.push(...(await ask(session, lasting)));
    }
  }
  const fences = fencesOf([run, ...later]);
  const onTable = (tables: number) =>
    emit({ kind: "proof-progress", stage: run.stage, tables, ofTables: fences.length });
  const tried = await prove(session, settings, { ...run, fences, onTable }, reach);
  const criteria = await ask(session, run.criteria);
  const ofStage = reach === "the fence";
  const got = tried.some(({ evidence }) => evidence !== undefined);
  // A run has said before what is open around the fence; it needs the fixes of what got through only.
  const open =
    ofStage && !got
      ? []
      : await readFindings(session, settings, {
          snapshot: await readSnapshot(session),
          ahead: stageNames,
          ...(readCalls === undefined ? {} : { readCalls }),
        });
  const drift = ofStage ? undefined : await driftOfFence(session, settings);
  const findings = [
    ...open.map((finding) => dueAfter(run.stage, finding)),
    ...judge(drift?.findings ?? [], settings.audit.accepted),
  ];
  return {
    checks: accept(settings, [...checks, ...(drift === undefined ? [] : [comparedWith(drift)])]),
    isolation: accept(settings, withFixes(tried, findings)),
    criteria: accept(settings, criteria),
    findings: ofStage ? [] : findings,
  };
}

/** The comparison as a claim: what changed is a finding each, what could not be compared is not proven. */
function comparedWith({ unproven, findings }: Drift): CheckResult {
  return {
    claim: `what the fence stands on was compared with the journal: ${counted(findings.length, "change")}`,
    violations: [],
    ...(unproven.length === 0 ? {} : { unproven: unproven.map((what) => ({ what })) }),
  };
}

/** The tables of these runs, each once: Day 3 proves those that were fenced before it, too. */
function fencesOf(runs: readonly Run[]): Run["fences"] {
  const all = runs.flatMap(({ fences }) => fences);
  return [...new Map(all.map((fence) => [relationKey(fence.relation), fence])).values()];
}

/** Before Day 3, whose criterion it is, what is open around the fence is no failure of the stage. */
function dueAfter(name: RunName, { due, ...finding }: Finding): Finding {
  const stage = stageNames.find((one) => one === name) ?? "day3";
  const later = stageNames.slice(stageNames.indexOf(stage) + 1);
  if (due !== undefined && later.includes(due.stage)) return { ...finding, due };
  return stage === "day3" ? finding : { ...finding, due: { stage: "day3", decision: true } };
}

/** The isolation proof: what every kind of user could try, tried and rolled back. */
export async function prove(
  session: Session,
  settings: Settings,
  {
    tenancy,
    fences,
    personas,
    onTable = () => undefined,
  }: Pick<Run, "tenancy" | "fences" | "personas"> & {
    /** Called with the number of tables that were tried, as it grows. */
    readonly onTable?: (tables: number) => void;
  },
  reach: Reach,
): Promise<CheckResult[]> {
  const { settings: access, results } = await withLogin(session, settings);
  const onClone = reach === "and around it, on a clone";
  const scope = { settings: access, tenancy, fences, onClone };
  // First of all: afterwards, the session's settings have named users.
  const unnamed = await tryUnnamedSession(session, scope);
  const functions = await tryFunctions(session, access, tenancy);
  const first = [...results, await verifyNoShards(session), functions.result];
  if (!functions.answer) return [...first, notTried];
  return [
    ...first,
    ...unnamed,
    await tryWithoutIdentity(session, scope),
    await tryEveryUser(session, scope),
    await tryRoleSettings(session, access),
    await verifyCrossing(session, scope),
    ...(await tryIsolation(session, { ...scope, personas, onTable })),
    ...(await tryAttacks(session, scope, "on the fence")),
    ...(reach === "the fence" ? [] : await tryAttacks(session, scope, "around the fence")),
  ];
}

/** Each of thousands of statements would take as long as statement_timeout allows. */
const notTried: CheckResult = resultOf("the tables are isolated", [
  violation("not tried: a function that every policy calls does not answer in time"),
]);

/**
 * The error for a stage that is not green, with what shows it.
 * @param demanded `claims` after a run: what others left open is said then, and no failure of the stage
 */
export function verificationError(
  stage: RunName,
  verification: StageVerification,
  { state, demanded }: { readonly state: string; readonly demanded: "claims" | "everything" },
): AppError | undefined {
  const standing = standingOf(verification);
  const { fail, claims } = standing;
  const [notProven, open] = demanded === "claims" ? [0, []] : [standing.notProven, standing.open];
  if (fail + notProven + open.length === 0) return undefined;
  const faults = [
    ...(fail === 0 ? [] : [`${fail} of ${claims} claims do not hold`]),
    ...(notProven === 0 ? [] : [`${notProven} of ${claims} claims are not proven`]),
    ...(open.length === 0 ? [] : [`${counted(open.length, "finding")} not accepted`]),
  ];
  const results = allResults(verification);
  const failed = results.filter((result) => stateOf(result) === "fails");
  return new AppError({
    code: "VERIFICATION_FAILED",
    object: stage,
    fault: faults.join(", "),
    state,
    next:
      fail === 0
        ? "fix what is listed, or accept it in audit.accepted with a reason and a day"
        : "fix what is listed and verify again, or tenantry rollback",
    details: byReason(failed).flatMap(({ claims: same, result }) => [
      ...same,
      ...result.violations.map((violation) => `  ${violation}`),
    ]),
  });
}
