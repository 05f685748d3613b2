import { AppError } from "../errors.ts";
import { runInForce } from "../journal/journal.ts";
import { showVerification } from "../report/results.ts";
import type { StageName } from "../steps/stage.ts";
import { verificationError, verifyStage } from "../verify/stage.ts";
import type { GlobalOptions } from "./options.ts";
import { type Workplace, withWorkplace } from "./workplace.ts";

export type VerifyOptions = GlobalOptions & { readonly stage: StageName };

/** `tenantry --stage dayN --verify`: changes nothing, and fails where something does not hold. */
export function verify(options: VerifyOptions): Promise<void> {
  return withWorkplace(options, (workplace) => verifyIn(workplace, options));
}

/** Verifies a stage in a workplace that is open already. */
export async function verifyIn(
  { session, settings }: Workplace,
  { stage, json }: Pick<VerifyOptions, "stage" | "json">,
): Promise<void> {
  const run = await runInForce(session, stage);
  if (run?.state !== "applied") {
    throw new AppError({
      code: "VERIFICATION_FAILED",
      object: stage,
      fault: run === undefined ? "is not applied" : `is ${run.state}, not applied`,
      state: "nothing was changed",
      next: `tenantry run --stage ${stage}`,
    });
  }
  const verification = await verifyStage(session, settings, run);
  process.stdout.write(showVerification(stage, verification, json));
  const error = verificationError(stage, verification, "nothing was changed");
  if (error !== undefined) throw error;
}
