import { Command, CommanderError } from "commander";
import { z } from "zod";
import { AppError, exitCodes } from "../errors.ts";
import { redacted } from "../postgres/redaction.ts";
import { version } from "../version.ts";
import { auditCommand } from "./audit.ts";
import { makeBackup, showBackups } from "./backups.ts";
import { check } from "./check.ts";
import { addCode } from "./code-commands.ts";
import { demo, demoOptions } from "./demo.ts";
import { home } from "./home.ts";
import { globalOptions, readOptions, stageOption } from "./options.ts";
import { plan } from "./plan.ts";
import { defaultWritesPerSecond, rehearse } from "./rehearse.ts";
import { restore } from "./restore.ts";
import { rollback } from "./rollback.ts";
import { run } from "./run.ts";
import { showError } from "./show-error.ts";
import { status } from "./status.ts";
import { verify } from "./verify.ts";
import { verifyBackupCommand } from "./verify-backup.ts";

const withStage = globalOptions.extend({ stage: stageOption.optional() });

const backupChecks = {
  verifyBackup: z.boolean().default(false),
  scratch: z.string().optional(),
  identity: z.string().optional(),
};

const verifyChecks = {
  ...backupChecks,
  verify: z.boolean().default(false),
  junit: z.string().optional(),
  sarif: z.string().optional(),
};

const rehearseOptions = withStage
  .extend({
    backup: z.string().optional(),
    sample: z.coerce.number().positive().max(100).optional(),
    writesPerSecond: z.coerce.number().int().min(0).max(10_000).default(defaultWritesPerSecond),
    scratch: z.string().optional(),
    identity: z.string().optional(),
  })
  .refine(({ backup, sample }) => backup === undefined || sample === undefined, {
    path: ["sample"],
    message: "goes without --backup",
  });

const restoreOptions = globalOptions.extend({
  folder: z.string(),
  into: z.string().optional(),
  inPlace: z.boolean().default(false),
  confirm: z.string().optional(),
  identity: z.string().optional(),
});

/**
 * Runs the command line.
 * @param argv the arguments behind the program's name
 * @returns the exit code
 */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...argv], { from: "user" });
    return exitCodes.done;
  } catch (error) {
    // commander has said what it has to say; help and version are no errors.
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    showError(error, { json: argv.includes("--json"), debug: argv.includes("--debug") });
    return error instanceof AppError ? error.exitCode : exitCodes.failed;
  }
}

function program(): Command {
  const root = common(new Command("tenantry"))
    .description(
      "Turns a live single-tenant PostgreSQL or Supabase database into a multi-tenant one, in three checkpointed stages.",
    )
    .version(version)
    .exitOverride()
    // It quotes what it does not understand, which may be a URL.
    .configureOutput({ outputError: (text, write) => write(redacted(text)) })
    .showHelpAfterError("(tenantry --help shows what there is)")
    .option("--stage <stage>", "the stage to run, or with --verify to verify")
    .option("--verify", "verify the stage: changes nothing, exit 3 where something does not hold")
    .option("--junit <file>", "with --verify: what was found as JUnit's XML, too")
    .option("--sarif <file>", "with --verify: what does not hold as SARIF 2.1.0, too")
    .option("--verify-backup", "restore the stage's backup, or the newest, elsewhere, and compare")
    .option("--scratch <url>", "a server to restore into, instead of one that is started here")
    .option("--identity <file>", "age's identity, for a backup that is encrypted")
    .addHelpText("after", examples)
    .action(async (_options, command: Command) => {
      const options = readOptions(withStage.extend(verifyChecks), command.optsWithGlobals());
      const { stage } = options;
      if (options.verifyBackup) return verifyBackupCommand(options);
      if (options.verify) {
        if (stage === undefined) throw stageNeeded();
        await verify({ ...options, stage });
      } else if (stage !== undefined) await run({ ...options, stage });
      else await home(options);
      return undefined;
    });

  add(root, "run", "run the stages that are left, or one")
    .option("--stage <stage>", "day1, day2 or day3")
    .option("--verify-backup", "restore each backup elsewhere and compare, before its stage begins")
    .option(
      "--attribution <folder>",
      "with what a rollback of the stage kept: rows are as they were",
    )
    .option("--despite-rehearsal", "also where the stage failed in its rehearsal")
    .option("--scratch <url>", "a server to restore into, instead of one that is started here")
    .option("--identity <file>", "age's identity, for backups that are encrypted")
    .action(async (_options, command: Command) =>
      run(
        readOptions(
          withStage
            .extend({
              ...backupChecks,
              despiteRehearsal: z.boolean().default(false),
              attribution: z.string().optional(),
            })
            .refine(({ attribution, stage }) => attribution === undefined || stage !== undefined, {
              path: ["attribution"],
              message: "needs --stage: it is of one stage",
            }),
          command.optsWithGlobals(),
        ),
      ),
    );
  add(root, "check", "look at all that would bite, before anything is touched")
    .option("--stage <stage>", "day1, day2 or day3 (else all that are left)")
    .action(async (_options, command: Command) =>
      check(readOptions(withStage, command.optsWithGlobals())),
    );
  add(root, "plan", "show every step with the lock it takes; changes nothing")
    .option("--stage <stage>", "day1, day2 or day3")
    .option("--sql", "as a script for psql")
    .action(async (_options, command: Command) =>
      plan(
        readOptions(
          withStage.extend({ sql: z.boolean().default(false) }),
          command.optsWithGlobals(),
        ),
      ),
    );
  add(root, "status", "show where each stage stands and what can be done next")
    .option("--steps", "every step, what it took, and what its rehearsal had said")
    .action(async (_options, command: Command) =>
      status(
        readOptions(
          globalOptions.extend({ steps: z.boolean().default(false) }),
          command.optsWithGlobals(),
        ),
      ),
    );
  add(root, "rollback", "undo the last stage that was begun, one stage, or all")
    .option("--stage <stage>", "day1, day2 or day3")
    .option("--all", "all stages, the last first")
    .option("--despite-guards", "also where a guard speaks against it")
    .option("--lose-attribution", "without keeping which row was whose")
    .option("--print-sql", "print the script for psql, from the journal; changes nothing")
    .action(async (_options, command: Command) =>
      rollback(
        readOptions(
          withStage
            .extend({
              all: z.boolean().default(false),
              despiteGuards: z.boolean().default(false),
              loseAttribution: z.boolean().default(false),
              printSql: z.boolean().default(false),
            })
            .refine(({ all, stage }) => !(all && stage !== undefined), {
              path: ["all"],
              message: "goes without --stage",
            }),
          command.optsWithGlobals(),
        ),
      ),
    );
  add(root, "audit", "ask the catalog for every way out for tenants' data; changes nothing")
    .option("--drift", "what changed in the schema since the last stage was applied, instead")
    .action(async (_options, command: Command) =>
      auditCommand(
        readOptions(
          globalOptions.extend({ drift: z.boolean().default(false) }),
          command.optsWithGlobals(),
        ),
      ),
    );
  addCode(root, add);
  addBackup(root);
  add(root, "rehearse", "run the stages and their rollback on a copy, and predict times and sizes")
    .option("--stage <stage>", "day1, day2 or day3 (else all that are left)")
    .option("--backup <folder>", "rehearse on this backup, instead of one that is made for it")
    .option("--sample <percentage>", "rehearse on the schema and a sample of large tables' rows")
    .option("--writes-per-second <count>", "of the application that writes meanwhile")
    .option("--scratch <url>", "a server to restore into, instead of one that is started here")
    .option("--identity <file>", "age's identity, for a backup that is encrypted")
    .action(async (_options, command: Command) =>
      rehearse(readOptions(rehearseOptions, command.optsWithGlobals())),
    );
  add(root, "restore", "the last resort: restore a backup into another database, or in place")
    .argument("<folder>", "the backup's folder")
    .option("--into <url>", "a database that does not exist yet, which is made")
    .option("--in-place", "in the place of the database it was made of, which is kept beside it")
    .option("--confirm <database>", "the database's name, where nobody can be asked for it")
    .option("--identity <file>", "age's identity, for a backup that is encrypted")
    .action(async (folder: string, _options, command: Command) =>
      restore(readOptions(restoreOptions, { ...command.optsWithGlobals(), folder })),
    );
  add(
    root,
    "demo",
    "run the three days and their rollback on a database of its own, with an application writing",
  )
    .option("--rows <count>", "rows in leads and call_logs together")
    .option("--keep", "leave the server up at the end of the three days, and say where")
    .action(async (_options, command: Command) =>
      demo(readOptions(demoOptions, command.optsWithGlobals())),
    );
  return root;
}

function addBackup(root: Command): void {
  const backup = add(root, "backup", "back the database up now, without a stage").action(
    async (_options, command: Command) =>
      makeBackup(readOptions(globalOptions, command.optsWithGlobals())),
  );
  add(backup, "list", "the backups in the configured folder").action(
    async (_options, command: Command) =>
      showBackups(readOptions(globalOptions, command.optsWithGlobals())),
  );
  add(backup, "verify", "restore a backup elsewhere; compare schema, counts and checksums")
    .argument("[folder]", "the backup's folder (else the newest)")
    .option("--scratch <url>", "a server to restore into, instead of one that is started here")
    .option("--identity <file>", "age's identity, for a backup that is encrypted")
    .action(async (folder: string | undefined, _options, command: Command) =>
      verifyBackupCommand(
        readOptions(globalOptions.extend({ ...backupChecks, folder: z.string().optional() }), {
          ...command.optsWithGlobals(),
          folder,
        }),
      ),
    );
}

function common(command: Command): Command {
  return command
    .option("--url <url>", "the database (else DATABASE_URL, else the PG* variables and ~/.pgpass)")
    .option("--config <file>", "the configuration (else tenantry.config.ts, .json or .yaml here)")
    .option("--json", "one JSON value a line, for programs")
    .option("--yes", "do not ask")
    .option("--quiet", "say errors and results only")
    .option("--verbose", "say every step and every check, a line each")
    .option("--debug", "say every SQL statement too, and where an error came from");
}

function add(root: Command, name: string, description: string): Command {
  return common(root.command(name).description(description)).exitOverride();
}

function stageNeeded(): AppError {
  return new AppError({
    code: "USAGE",
    object: "--verify",
    fault: "needs to know the stage",
    state: "nothing was changed",
    next: "tenantry --stage day1 --verify",
  });
}

const examples = `
Examples:
  tenantry demo                      see the three days and their rollback in a minute
  tenantry check                     what would bite, with what mends it; exit 1 where it blocks
  tenantry plan --stage day1         every step, its lock, its table's size
  tenantry run --stage day1          backup, git tag, steps, verification
  tenantry --stage day1 --verify     in CI: exit 3 where isolation does not hold (docs/ci.md)
  tenantry rollback                  in an incident: undo the last stage
  tenantry code check                in CI: exit 3 where a query names no organization
  tenantry backup verify             restore the newest backup elsewhere, and compare

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 verification does not hold,
4 another run holds the lease, 130 interrupted.`;
