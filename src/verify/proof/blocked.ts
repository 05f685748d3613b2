import { AppError } from "../../errors.ts";

/** The error for what stayed locked through all attempts. */
export function blocked(object: string, cause: unknown): AppError {
  return new AppError({
    code: "PROOF_BLOCKED",
    object,
    fault:
      "its isolation could not be tried: other transactions held its rows' locks in ten attempts",
    state: "nothing is wrong with what was looked at; this was not",
    next: "the same command again, once they have ended (tenantry check names them)",
    cause,
  });
}
