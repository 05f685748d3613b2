import type { Settings } from "../config/settings.ts";
import { AppError } from "../errors.ts";
import {
  allResults,
  byReason,
  type CheckResult,
  type StageVerification,
} from "../events/events.ts";
import type { Run } from "../journal/journal.ts";
import { eachStep } from "../journal/steps.ts";
import type { Session } from "../postgres/connection.ts";
import type { StageName } from "../steps/model/stage.ts";
import { checksOf } from "../steps/model/step.ts";
import { tryAttacks } from "./attacks/attacks.ts";
import { ask } from "./checks.ts";
import { verifyNoShards } from "./citus.ts";
import { withFixes } from "./fixes.ts";
import { tryEveryUser, tryUnnamedSession, tryWithoutIdentity } from "./identity/identity.ts";
import { tryIsolation } from "./proof/isolation.ts";
import { withLogin } from "./proof/login.ts";
import { resultOf, violation } from "./proof/violation.ts";
import { tryFunctions } from "./roles/fence-functions.ts";
import { tryRoleSettings } from "./roles/role-settings.ts";

type Reach = "the fence" | "and around it";

/**
 * Verifies an applied stage: the lasting checks of its steps, its criteria, and its isolation. It writes in
 * transactions that it rolls back, and locks rows meanwhile.
 * @param reach whether other objects are tried too: views, functions, files. They may have existed
 *   before the stage, which does not fix them
 */
export async function verifyStage(
  session: Session,
  settings: Settings,
  run: Run,
  reach: Reach,
): Promise<StageVerification> {
  const checks: CheckResult[] = [];
  for await (const { definition } of eachStep(session, run.id)) {
    const lasting = checksOf(definition).filter((check) => check.lasting);
    checks.push(...(await ask(session, lasting)));
  }
  return {
    checks,
    isolation: await withFixes(session, settings, await prove(session, settings, run, reach)),
    criteria: await ask(session, run.criteria),
  };
}

/** The isolation proof: what every kind of user could try, tried and rolled back. */
export async function prove(
  session: Session,
  settings: Settings,
  { tenancy, fences, personas }: Pick<Run, "tenancy" | "fences" | "personas">,
  reach: Reach,
): Promise<CheckResult[]> {
  const { settings: access, results } = await withLogin(session, settings);
  const scope = { settings: access, tenancy, fences };
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
    ...(await tryIsolation(session, { ...scope, personas })),
    ...(await tryAttacks(session, scope, "on the fence")),
    ...(reach === "the fence" ? [] : await tryAttacks(session, scope, "around the fence")),
  ];
}

/** Each of thousands of statements would take as long as statement_timeout allows. */
const notTried: CheckResult = resultOf("the tables are isolated", [
  violation("not tried: a function that every policy calls does not answer in time"),
]);

/** The error for a stage with claims that do not hold, with the rows that show it. */
export function verificationError(
  stage: StageName,
  verification: StageVerification,
  state: string,
): AppError | undefined {
  const results = allResults(verification);
  const failed = results.filter(({ violations }) => violations.length > 0);
  if (failed.length === 0) return undefined;
  return new AppError({
    code: "VERIFICATION_FAILED",
    object: stage,
    fault: `${failed.length} of ${results.length} claims do not hold`,
    state,
    next: "fix what is listed and verify again, or tenantry rollback",
    details: byReason(failed).flatMap(({ claims, result }) => [
      ...claims,
      ...result.violations.map((violation) => `  ${violation}`),
    ]),
  });
}
