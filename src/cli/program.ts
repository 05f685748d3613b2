import tab from "@bomb.sh/tab/commander";
import { Command } from "commander";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { version } from "../version.ts";
import { common, stageChoice, withScratchOptions } from "./command.ts";
import { addAudit } from "./commands/audit.ts";
import { addBackup } from "./commands/backups/backup.ts";
import { addRestore } from "./commands/backups/restore.ts";
import { addCertificate } from "./commands/certificate.ts";
import { addCheck } from "./commands/check.ts";
import { addCode } from "./commands/code.ts";
import { addDemo } from "./commands/demo.ts";
import { addExplain } from "./commands/explain.ts";
import { addFence } from "./commands/fence.ts";
import { addGuides } from "./commands/guides.ts";
import { addPlan } from "./commands/plan.ts";
import { addRehearse } from "./commands/rehearse.ts";
import { addRollback } from "./commands/rollback.ts";
import { addRun } from "./commands/run.ts";
import { addStatus } from "./commands/status.ts";
import { addVerify, withVerifyOptions } from "./commands/verify.ts";
import { rootHelpAfter } from "./help.ts";
import {
  backupChecks,
  notBoth,
  readOptions,
  signsACertificate,
  verifyChecks,
  withStage,
} from "./options.ts";

const rootOptions = withStage
  .extend({ ...backupChecks, ...verifyChecks, verify: z.boolean().default(false) })
  .refine(...notBoth("verifyBackup", "verify"))
  .refine(...notBoth("certificate", "onClone"))
  .refine(...signsACertificate)
  .refine(
    ({ verify, junit, sarif, fixSql, certificate }) =>
      verify || (junit ?? sarif ?? fixSql ?? certificate) === undefined,
    {
      path: ["verify"],
      message:
        "is needed with --junit, --sarif, --fix-sql and --certificate: they hold what it found",
    },
  )
  .refine(({ verify, onClone }) => verify || !onClone, {
    path: ["verify"],
    message: "is needed with --on-clone: that is where it verifies",
  });

/** The whole command line: each command is a file in `commands/`, which adds itself here. */
export function program(): Command {
  const root = rootCommand();
  addRun(root);
  addCheck(root);
  addPlan(root);
  addStatus(root);
  addVerify(root);
  addFence(root);
  addCertificate(root);
  addRollback(root);
  addGuides(root);
  addAudit(root);
  addBackup(root);
  addRehearse(root);
  addRestore(root);
  addDemo(root);
  addExplain(root);
  addCode(root);
  tab(root, { completionCommandName: "completion" });
  return root;
}

/** `tenantry` without a command: the short forms of run, verify and backup verify, or where things stand. */
function rootCommand(): Command {
  const root = common(new Command("tenantry"))
    .description(
      "Turns a live single-tenant PostgreSQL or Supabase database into a multi-tenant one, in three checkpointed stages.",
    )
    .version(version)
    .exitOverride()
    // What it does not understand is reported as all errors are.
    .configureOutput({ outputError: () => {} })
    .addOption(stageChoice("the stage to run, or with --verify to verify"))
    .option("--verify", "verify the stage: exit 3 where something does not hold")
    .option("--verify-backup", "restore the stage's backup, or the newest, elsewhere, and compare");
  return withScratchOptions(withVerifyOptions(root))
    .addHelpText("after", rootHelpAfter)
    .action(async (_options, command: Command) => {
      const options = readOptions(rootOptions, command.optsWithGlobals());
      const { stage } = options;
      if (options.verifyBackup) {
        const { verifyBackupCommand } = await import("./actions/backups/verify-backup.ts");
        await verifyBackupCommand(options);
      } else if (options.verify) {
        if (stage === undefined) throw stageNeeded();
        const { verify } = await import("./actions/verify.ts");
        await verify({ ...options, stage });
      } else if (stage !== undefined) {
        const { run } = await import("./actions/run.ts");
        await run({ ...options, stage });
      } else {
        const { home } = await import("./actions/home.ts");
        await home(options);
      }
    });
}

function stageNeeded(): AppError {
  return new AppError({
    code: "USAGE",
    object: "--verify",
    fault: "needs a stage",
    state: "nothing was changed",
    next: "tenantry --stage day1 --verify",
  });
}
