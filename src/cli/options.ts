import { z } from "zod";
import { AppError } from "../errors.ts";
import type { Level } from "../report/level.ts";
import { stageNames } from "../steps/stage.ts";

export const stageOption = z.enum(stageNames);

/** What every command takes. */
export const globalOptions = z.object({
  url: z.string().optional(),
  config: z.string().optional(),
  json: z.boolean().default(false),
  yes: z.boolean().default(false),
  quiet: z.boolean().default(false),
  verbose: z.boolean().default(false),
  debug: z.boolean().default(false),
});

export type GlobalOptions = z.output<typeof globalOptions>;

/** How much is said: of several wishes, the one that says most. */
export function levelOf({
  quiet,
  verbose,
  debug,
}: Pick<GlobalOptions, "quiet" | "verbose" | "debug">): Level {
  if (debug) return "debug";
  if (verbose) return "verbose";
  return quiet ? "quiet" : "normal";
}

/**
 * Reads options through their schema.
 * @throws AppError USAGE with every option that is wrong
 */
export function readOptions<Schema extends z.ZodType>(
  schema: Schema,
  given: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new AppError({
    code: "USAGE",
    object: "tenantry",
    fault: parsed.error.issues
      .map((issue) => `--${issue.path.map(String).join(".")}: ${issue.message}`)
      .join("; "),
    state: "nothing was changed",
    next: "tenantry --help",
  });
}
