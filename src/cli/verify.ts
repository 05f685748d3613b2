import path from "node:path";
import { AppError } from "../errors.ts";
import { runInForce } from "../journal/journal.ts";
import { githubAnnotations } from "../report/annotations.ts";
import type { StageVerification } from "../report/events.ts";
import { junitReport } from "../report/junit.ts";
import { holds, showVerification } from "../report/results.ts";
import { sarifReport } from "../report/sarif.ts";
import type { StageName } from "../steps/stage.ts";
import { verificationError, verifyStage } from "../verify/stage.ts";
import { version } from "../version.ts";
import { verifyApplication } from "./application.ts";
import { type CopyOptions, withCopy } from "./copy.ts";
import { interruptible } from "./interruption.ts";
import type { GlobalOptions } from "./options.ts";
import { type Workplace, withWorkplace } from "./workplace.ts";
import { writeReport } from "./write-report.ts";

export type VerifyOptions = GlobalOptions & {
  readonly stage: StageName;
  /** Files that are written besides, for CI. */
  readonly junit?: string | undefined;
  readonly sarif?: string | undefined;
  /** On a restored backup, so that nothing at all is tried on the database itself. */
  readonly onClone: boolean;
} & Pick<CopyOptions, "scratch">;

/** `tenantry --stage dayN --verify`: changes nothing, and fails where something does not hold. */
export function verify(options: VerifyOptions): Promise<void> {
  return withWorkplace(options, (workplace) =>
    options.onClone ? verifyClone(workplace, options) : verifyIn(workplace, options),
  );
}

function verifyClone(workplace: Workplace, options: VerifyOptions): Promise<void> {
  return interruptible("the verification", "nothing was changed: it was on a clone", (signal) =>
    withCopy(workplace, "clone", { scratch: options.scratch }, signal, (clone) =>
      verifyIn(clone.workplace, options),
    ),
  );
}

/** Verifies a stage in a workplace that is open already. */
export async function verifyIn(
  workplace: Workplace,
  options: Omit<VerifyOptions, "onClone">,
): Promise<void> {
  const { session, settings } = workplace;
  const { stage } = options;
  const run = await runInForce(session, stage);
  if (run?.state !== "applied") {
    const fault = run === undefined ? "is not applied" : `is ${run.state}, not applied`;
    const claim = { claim: `${stage} is applied`, violations: [`${stage} ${fault}`] };
    await report(workplace, options, { checks: [claim], isolation: [], criteria: [] });
    throw new AppError({
      code: "VERIFICATION_FAILED",
      object: stage,
      fault,
      state: "nothing was changed",
      next: `tenantry run --stage ${stage}`,
    });
  }
  const verified = await verifyStage(session, settings, run, "and around it");
  const application = stage === "day3" ? await verifyApplication(workplace) : undefined;
  const verification =
    application === undefined
      ? verified
      : { ...verified, criteria: [...verified.criteria, application] };
  await report(workplace, options, verification);
  const error = verificationError(stage, verification, "nothing was changed");
  if (error !== undefined) throw error;
}

/** Says what was found to whoever asked: people or a program, a CI's files, GitHub. */
async function report(
  { output, configFile }: Workplace,
  { stage, json, junit, sarif }: Pick<VerifyOptions, "stage" | "json" | "junit" | "sarif">,
  verification: StageVerification,
): Promise<void> {
  await output.show(
    { kind: "verification", stage, holds: holds(verification), ...verification },
    () => showVerification(stage, verification),
  );
  if (process.env["GITHUB_ACTIONS"] === "true" && !json) {
    process.stdout.write(githubAnnotations(stage, verification));
  }
  if (junit !== undefined) await writeReport(junit, junitReport(stage, verification));
  if (sarif !== undefined) {
    const configuration = path.relative(process.cwd(), configFile).split(path.sep).join("/");
    await writeReport(sarif, sarifReport(verification, { stage, version, configuration }));
  }
}
