import { readFindings } from "../audit/read-findings.ts";
import { relationKey } from "../config/relation-name.ts";
import type { Settings } from "../config/settings.ts";
import { AppError } from "../errors.ts";
import {
  allResults,
  byReason,
  type CheckResult,
  type Listener,
  type StageVerification,
  standingOf,
  stateOf,
} from "../events/events.ts";
import type { Finding } from "../events/finding.ts";
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
import { tryIsolation } from "./proof/isolation.ts";
import { withLogin } from "./proof/login.ts";
import { tryFunctions } from "./roles/fence-functions.ts";
import { tryRoleSettings } from "./roles/role-settings.ts";
import { withFixes } from "./with-fixes.ts";

type Reach = "the fence" | "and around it";

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
};

/**
 * Verifies an applied stage: the lasting checks of its steps, its criteria, its isolation, and what the
 * catalog shows. It writes in transactions that it rolls back, and locks rows meanwhile.
 */
export async function verifyStage(
  session: Session,
  { settings, run, later = [], reach, emit }: Verification,
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
  const findings = await readFindings(session, settings, stageNames);
  return {
    checks: accept(settings, checks),
    isolation: accept(settings, withFixes(tried, findings)),
    criteria: accept(settings, criteria),
    findings: findings.map((finding) => dueAfter(run.stage, finding)),
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
  const scope = { settings: access, tenancy, fences };
  return [
    ...results,
    await verifyNoShards(session),
    await tryFunctions(session, access, tenancy),
    await tryRoleSettings(session, access),
    ...(await tryIsolation(session, { ...scope, personas, onTable })),
    ...(await tryAttacks(session, scope, "on the fence")),
    ...(reach === "the fence" ? [] : await tryAttacks(session, scope, "around the fence")),
  ];
}

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
