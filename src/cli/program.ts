import tab from "@bomb.sh/tab/commander";
import { Command } from "commander";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { version } from "../version.ts";
import { auditCommand } from "./audit.ts";
import { makeBackup, showBackups } from "./backups.ts";
import { check } from "./check.ts";
import { addCode } from "./code-commands.ts";
import { add, common, stageChoice } from "./command.ts";
import { demo, demoOptions } from "./demo.ts";
import { explainCommand } from "./explain.ts";
import { guides } from "./guides.ts";
import { rootHelpAfter } from "./help.ts";
import { home } from "./home.ts";
import { globalOptions, notBoth, readOptions, stageOption } from "./options.ts";
import { plan } from "./plan.ts";
import { defaultWritesPerSecond, rehearse } from "./rehearse.ts";
import { restore } from "./restore.ts";
import { rollback } from "./rollback.ts";
import { run } from "./run.ts";
import { selfTest } from "./self-test.ts";
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
  onClone: z.boolean().default(false),
  junit: z.string().optional(),
  sarif: z.string().optional(),
};

const rootOptions = withStage
  .extend(verifyChecks)
  .refine(...notBoth("verifyBackup", "verify"))
  .refine(({ verify, junit, sarif }) => verify || (junit ?? sarif) === undefined, {
    path: ["verify"],
    message: "is needed with --junit and --sarif: they hold what it found",
  })
  .refine(({ verify, onClone }) => verify || !onClone, {
    path: ["verify"],
    message: "is needed with --on-clone: that is where it verifies",
  });

const auditOptions = globalOptions
  .extend({
    drift: z.boolean().default(false),
    selfTest: z.boolean().default(false),
    scratch: z.string().optional(),
  })
  .refine(...notBoth("drift", "selfTest"));

const rehearseOptions = withStage
  .extend({
    backup: z.string().optional(),
    sample: z.coerce.number().positive().max(100).optional(),
    writesPerSecond: z.coerce.number().int().min(0).max(10_000).default(defaultWritesPerSecond),
    scratch: z.string().optional(),
    identity: z.string().optional(),
  })
  .refine(...notBoth("sample", "backup"));

const restoreOptions = globalOptions.extend({
  folder: z.string(),
  into: z.string().optional(),
  inPlace: z.boolean().default(false),
  confirm: z.string().optional(),
  identity: z.string().optional(),
});

/** The whole command line; its actions do the work. */
export function program(): Command {
  const root = common(new Command("tenantry"))
    .description(
      "Turns a live single-tenant PostgreSQL or Supabase database into a multi-tenant one, in three checkpointed stages.",
    )
    .version(version)
    .exitOverride()
    // What it does not understand is said as all errors are.
    .configureOutput({ outputError: () => {} })
    .addOption(stageChoice("the stage to run, or with --verify to verify"))
    .option("--verify", "verify the stage: changes nothing, exit 3 where something does not hold")
    .option("--on-clone", "with --verify: on a restored backup, instead of the database itself")
    .option("--junit <file>", "with --verify: what was found as JUnit's XML, too")
    .option("--sarif <file>", "with --verify: what does not hold as SARIF 2.1.0, too")
    .option("--verify-backup", "restore the stage's backup, or the newest, elsewhere, and compare")
    .option("--scratch <url>", "a server to restore into, instead of one that is started here")
    .option("--identity <file>", "age's identity, for a backup that is encrypted")
    .addHelpText("after", rootHelpAfter)
    .action(async (_options, command: Command) => {
      const options = readOptions(rootOptions, command.optsWithGlobals());
      const { stage } = options;
      if (options.verifyBackup) return verifyBackupCommand(options);
      if (options.verify) {
        if (stage === undefined) throw stageNeeded();
        await verify({ ...options, stage });
      } else if (stage !== undefined) await run({ ...options, stage });
      else await home(options);
      return undefined;
    });

  add(root, "run")
    .addOption(stageChoice("else all that are left"))
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
  add(root, "check")
    .addOption(stageChoice("else all that are left"))
    .action(async (_options, command: Command) =>
      check(readOptions(withStage, command.optsWithGlobals())),
    );
  add(root, "plan")
    .addOption(stageChoice("else all that are left"))
    .option("--sql", "as a script for psql")
    .action(async (_options, command: Command) =>
      plan(
        readOptions(
          withStage.extend({ sql: z.boolean().default(false) }).refine(...notBoth("sql", "json")),
          command.optsWithGlobals(),
        ),
      ),
    );
  add(root, "status")
    .option("--steps", "every step, what it took, and what its rehearsal had said")
    .action(async (_options, command: Command) =>
      status(
        readOptions(
          globalOptions.extend({ steps: z.boolean().default(false) }),
          command.optsWithGlobals(),
        ),
      ),
    );
  add(root, "rollback")
    .addOption(stageChoice("else the last that was begun"))
    .option("--all", "all stages, the last first")
    .option("--despite-guards", "also where a guard speaks against it")
    .option("--lose-attribution", "without keeping which row was whose")
    .option("--leave-files", "leave the application's files as Day 3 wrote them")
    .option("--print-sql", "print the script for psql, from the journal; changes nothing")
    .action(async (_options, command: Command) =>
      rollback(
        readOptions(
          withStage
            .extend({
              all: z.boolean().default(false),
              despiteGuards: z.boolean().default(false),
              loseAttribution: z.boolean().default(false),
              leaveFiles: z.boolean().default(false),
              printSql: z.boolean().default(false),
            })
            .refine(...notBoth("all", "stage"))
            .refine(...notBoth("printSql", "json")),
          command.optsWithGlobals(),
        ),
      ),
    );
  add(root, "guides")
    .option("--write", "write them; one that somebody edited stays")
    .option("--folder <folder>", "where they go", "docs/tenancy")
    .action(async (_options, command: Command) =>
      guides(
        readOptions(
          globalOptions.extend({
            write: z.boolean().default(false),
            folder: z.string().min(1),
          }),
          command.optsWithGlobals(),
        ),
      ),
    );
  add(root, "audit")
    .option("--drift", "what changed in the schema since the last stage was applied, instead")
    .option("--self-test", "break small fences of our own in every known way, and see who notices")
    .option("--scratch <url>", "a server for --self-test, instead of one that is started here")
    .action(async (_options, command: Command) => {
      const options = readOptions(auditOptions, command.optsWithGlobals());
      return options.selfTest ? selfTest(options) : auditCommand(options);
    });
  addBackup(root);
  add(root, "rehearse")
    .addOption(stageChoice("else all that are left"))
    .option("--backup <folder>", "rehearse on this backup, instead of one that is made for it")
    .option("--sample <percentage>", "rehearse on the schema and a sample of large tables' rows")
    .option("--writes-per-second <count>", "of the application that writes meanwhile")
    .option("--scratch <url>", "a server to restore into, instead of one that is started here")
    .option("--identity <file>", "age's identity, for a backup that is encrypted")
    .action(async (_options, command: Command) =>
      rehearse(readOptions(rehearseOptions, command.optsWithGlobals())),
    );
  add(root, "restore")
    .argument("<folder>", "the backup's folder")
    .option("--into <url>", "a database that does not exist yet, which is made")
    .option("--in-place", "in the place of the database it was made of, which is kept beside it")
    .option("--confirm <database>", "the database's name, where nobody can be asked for it")
    .option("--identity <file>", "age's identity, for a backup that is encrypted")
    .action(async (folder: string, _options, command: Command) =>
      restore(readOptions(restoreOptions, { ...command.optsWithGlobals(), folder })),
    );
  add(root, "demo")
    .option("--rows <count>", "rows in leads and call_logs together")
    .option("--keep", "leave the server up at the end of the three days, and say where")
    .action(async (_options, command: Command) =>
      demo(readOptions(demoOptions, command.optsWithGlobals())),
    );
  add(root, "explain")
    .argument("[name]", "of a stage, step, error, SQLSTATE, check or rule (else all names)")
    .action(async (word: string | undefined, _options, command: Command) =>
      explainCommand(
        readOptions(globalOptions.extend({ word: z.string().optional() }), {
          ...command.optsWithGlobals(),
          word,
        }),
      ),
    );
  addCode(root);
  tab(root, { completionCommandName: "completion" });
  return root;
}

function addBackup(root: Command): void {
  const backup = add(root, "backup").action(async (_options, command: Command) =>
    makeBackup(readOptions(globalOptions, command.optsWithGlobals())),
  );
  add(backup, "backup list").action(async (_options, command: Command) =>
    showBackups(readOptions(globalOptions, command.optsWithGlobals())),
  );
  add(backup, "backup verify")
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

function stageNeeded(): AppError {
  return new AppError({
    code: "USAGE",
    object: "--verify",
    fault: "needs to know the stage",
    state: "nothing was changed",
    next: "tenantry --stage day1 --verify",
  });
}
