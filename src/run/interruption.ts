import { AppError } from "../errors.ts";

/** The error of a run that was interrupted. */
export function interruptedError(where: string): AppError {
  return new AppError({
    code: "INTERRUPTED",
    object: where,
    fault: "interrupted",
    state: "the steps before it are checkpointed, and a backfill keeps its cursor",
    next: "run tenantry run again to continue; tenantry rollback undoes the stage",
  });
}
