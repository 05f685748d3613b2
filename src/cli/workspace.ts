import { loadSettings, loadSettingsOrDefaults } from "../config/load.ts";
import type { Caller } from "../operations/context/caller.ts";
import { type Workspace, withWorkspace } from "../operations/context/workspace.ts";
import type { Target } from "../postgres/connection.ts";
import { runsInCi } from "./ci.ts";
import type { GlobalOptions } from "./options.ts";
import { listenToSignals } from "./signals.ts";
import { type LoggedCommand, type Output, withOutput } from "./terminal/output.ts";
import { questionsOf } from "./terminal/questions.ts";

/**
 * Where the database is: `--url`, then DATABASE_URL, then the PG* variables and ~/.pgpass. The
 * secrets leave the environment, which git, its hooks and pg_dump would otherwise inherit.
 */
export function takeTarget({ url }: Pick<GlobalOptions, "url">): Target {
  const { DATABASE_URL: databaseUrl, PGPASSWORD: password } = process.env;
  delete process.env["DATABASE_URL"];
  delete process.env["PGPASSWORD"];
  return { url: url ?? databaseUrl, password };
}

/** The caller of operations here: events go to the output, questions to the terminal, signals interrupt. */
export function callerOf(options: Parameters<typeof questionsOf>[0], output: Output): Caller {
  return {
    emit: output.emit,
    questions: questionsOf(options, output),
    inCi: runsInCi(),
    listen: listenToSignals,
  };
}

/**
 * Opens the configuration, the output and a session to the database, for one command.
 * @param logged the command, where it writes and so keeps a log
 */
export async function inWorkspace<Result>(
  options: GlobalOptions,
  work: (workspace: Workspace, output: Output) => Promise<Result>,
  logged?: LoggedCommand,
): Promise<Result> {
  // In an incident, a rollback goes by the journal, whatever became of the configuration.
  const load = logged === "rollback" ? loadSettingsOrDefaults : loadSettings;
  // Before the secrets are taken: a configuration in TypeScript may read the environment itself.
  const place: Awaited<ReturnType<typeof loadSettingsOrDefaults>> = await load(
    process.cwd(),
    options.config,
  );
  const { settings, folder, file: configFile, unread } = place;
  const target = takeTarget(options);
  const log = logged === undefined ? undefined : { command: logged, folder };
  return withOutput({ options, target, log }, (output) => {
    if (unread !== undefined) {
      const text = `${unread.object}: ${unread.fault}. The rollback goes by the journal; folders are the defaults, relative to ${folder}`;
      output.emit({ kind: "notice", text });
    }
    const caller = callerOf(options, output);
    const observed = output.observed(target);
    return withWorkspace({ settings, folder, configFile, target: observed, caller }, (workspace) =>
      work(workspace, output),
    );
  });
}
