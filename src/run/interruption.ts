import { AppError } from "../errors.ts";

/** What a run ends with when a person interrupted it. */
export function interruptedError(where: string): AppError {
  return new AppError({
    code: "INTERRUPTED",
    object: where,
    fault: "interrupted",
    state: "every step before it is checkpointed, and a backfill keeps its cursor",
    next: "tenantry run goes on from here; tenantry rollback undoes the stage",
  });
}
