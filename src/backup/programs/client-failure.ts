import { z } from "zod";
import { AppError, diskFix, type ErrorFacts, messageOf } from "../../errors.ts";
import { redacted } from "../../postgres/redaction.ts";

const failureSchema = z.object({
  stderr: z.string().optional(),
  signal: z.string().optional(),
  /** The message without the command, which execa puts first. */
  originalMessage: z.string().optional(),
});

export type ClientFailure = Pick<ErrorFacts, "code" | "object" | "state" | "next"> & {
  readonly program: string;
  readonly password: string | undefined;
};

/** The error of a client program that failed, with the last lines of its output, without the password. */
export function programFailed(
  error: unknown,
  { program, password, ...facts }: ClientFailure,
): AppError {
  const { stderr, signal, originalMessage } = failureSchema.safeParse(error).data ?? {};
  // Its temporary files could not be written: it was not started.
  const fix = diskFix(error, "set TMPDIR to a folder on another disk");
  if (fix !== undefined) {
    const fault = `${program} could not be started: ${messageOf(error)}`;
    return new AppError({ ...facts, fault, next: `${fix}; then run the same command again` });
  }
  const said = stderr || originalMessage || String(error);
  return new AppError({
    ...facts,
    fault: signal === undefined ? `${program} failed` : `${program} was killed by ${signal}`,
    details: redacted(said, password).trim().split("\n").slice(-10),
  });
}
