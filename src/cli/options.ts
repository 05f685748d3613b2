import { z } from "zod";
import { AppError } from "../errors.ts";
import type { Level } from "../report/level.ts";
import { stageNames } from "../steps/model/stage.ts";

export const stageOption = z.enum(stageNames);

/** What every command takes. Strict: an option of another command is refused. */
export const globalOptions = z.strictObject({
  url: z.string().optional(),
  config: z.string().optional(),
  json: z.boolean().default(false),
  yes: z.boolean().default(false),
  quiet: z.boolean().default(false),
  verbose: z.boolean().default(false),
  debug: z.boolean().default(false),
});

/** With one stage, where it is named. */
export const withStage = globalOptions.extend({ stage: stageOption.optional() });

/** What can become of a stage that fails. */
export const failureChoices = ["rollback", "stop", "ask"] as const;

/** The choice, where it is made on the command line. */
export const onFailure = { onFailure: z.enum(failureChoices).optional() };

/** Where a backup is restored to be verified. */
export const backupChecks = {
  verifyBackup: z.boolean().default(false),
  scratch: z.string().optional(),
  identity: z.string().optional(),
};

/** What a verification writes for CI as well, and where it tries. */
export const verifyChecks = {
  onClone: z.boolean().default(false),
  junit: z.string().optional(),
  sarif: z.string().optional(),
  fixSql: z.string().optional(),
  certificate: z.string().optional(),
  signWith: z.string().optional(),
  scratch: z.string().optional(),
};

export type GlobalOptions = z.output<typeof globalOptions>;

/** How much is shown: of several options, the one that shows most. */
export function levelOf({
  quiet,
  verbose,
  debug,
}: Pick<GlobalOptions, "quiet" | "verbose" | "debug">): Level {
  if (debug) return "debug";
  if (verbose) return "verbose";
  return quiet ? "quiet" : "normal";
}

/** For a schema's `refine`: two options of which one is given, or none. */
export function notBoth<One extends string, Other extends string>(
  one: One,
  other: Other,
): [
  (options: Readonly<Partial<Record<One | Other, unknown>>>) => boolean,
  { path: string[]; message: string },
] {
  const given = (value: unknown) => value !== undefined && value !== false;
  return [
    (options) => !(given(options[one]) && given(options[other])),
    { path: [one], message: `goes without ${written(other)}` },
  ];
}

/** For a schema's `refine`: a key without a certificate would sign nothing. */
export const signsACertificate: [
  (options: Readonly<Partial<Record<"certificate" | "signWith", string | undefined>>>) => boolean,
  { path: string[]; message: string },
] = [
  ({ certificate, signWith }) => certificate !== undefined || signWith === undefined,
  { path: ["signWith"], message: "needs --certificate: that is what it signs" },
];

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
    fault: parsed.error.issues.flatMap(faultsOf).join("; "),
    state: "nothing was changed",
    next: "tenantry --help",
  });
}

function faultsOf(issue: z.core.$ZodIssue): string[] {
  // The root knows options that not every command does, and commander hands them on.
  return issue.code === "unrecognized_keys"
    ? issue.keys.map((key) => `${written(key)}: is no option of this command`)
    : [`${written(issue.path.map(String).join("."))}: ${issue.message}`];
}

/** An option as it is written: `writesPerSecond` is `--writes-per-second`. */
function written(key: string): string {
  return `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
