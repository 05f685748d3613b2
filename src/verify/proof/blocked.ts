import { AppError } from "../../errors.ts";

/** The error for rows that were locked in every attempt. */
export function blocked(object: string, cause: unknown): AppError {
  return new AppError({
    code: "PROOF_BLOCKED",
    object,
    fault:
      "its isolation could not be tried: in ten attempts other transactions held locks on its rows",
    state: "no claim failed; this one was not tried",
    next: "run the same command again after those transactions have ended (tenantry check lists them)",
    cause,
  });
}
