import path from "node:path";
import { AppError } from "../../errors.ts";
import type { Listener } from "../../events/events.ts";
import { describeError } from "../../operations/context/describe-error.ts";
import { keepLogsFromGit } from "../../operations/context/log-folder.ts";
import type { Result } from "../../operations/context/results.ts";
import { redacted } from "../../postgres/redaction.ts";
import { type ObservedStatement, type Target, targetParts } from "../../postgres/target.ts";
import { createReporter, outputMode } from "../../report/create-reporter.ts";
import { jsonLinePieces } from "../../report/json.ts";
import { type LogFile, openLogFile } from "../../report/log-file.ts";
import { runsInCi } from "../ci.ts";
import { type GlobalOptions, levelOf } from "../options.ts";

/** The commands that write, and so keep a log of what they did. */
export type LoggedCommand = "run" | "rollback" | "restore" | "rehearse";

export type OutputOptions = Pick<GlobalOptions, "json" | "quiet" | "verbose" | "debug">;

/** Where events and results go: a terminal or a program, and the log. */
export type Output = {
  readonly emit: Listener;
  /** The target, with sessions that report their statements where the log or --debug needs them. */
  observed(target: Target): Target;
  /** Says a result on standard output: words for people, or a line of JSON. */
  show(result: Result, words: () => string): Promise<void>;
  /** Waits until the terminal is free for a question. */
  settle(): Promise<void>;
  /** Ends what is being drawn. */
  close(): Promise<void>;
};

/** Writes a result to standard output. */
export function showResult(
  { json }: Pick<OutputOptions, "json">,
  result: Result,
  words: () => string,
): void {
  if (!json) process.stdout.write(words());
  else for (const piece of jsonLinePieces(result)) process.stdout.write(piece);
}

type Place = {
  readonly options: OutputOptions;
  readonly target: Target;
  /** The folder is the configuration's. */
  readonly log: { readonly command: LoggedCommand; readonly folder: string } | undefined;
};

/**
 * Opens the output of a command, and its log. What the work throws is in the log; where that is, is
 * said unless the command was refused before it began.
 */
export async function withOutput<Value>(
  { options, target, log: wanted }: Place,
  work: (output: Output) => Promise<Value>,
): Promise<Value> {
  const level = levelOf(options);
  const reporter = createReporter(
    outputMode({ json: options.json, level, inCi: runsInCi() }),
    level,
  );
  const log =
    wanted === undefined
      ? undefined
      : openLogFile(wanted.folder, wanted.command, (reason) =>
          reporter.listener({ kind: "notice", text: `no log is kept: ${reason}` }),
        );
  if (log !== undefined) {
    const text = await keepLogsFromGit(path.dirname(path.dirname(log.file)));
    if (text !== undefined) reporter.listener({ kind: "notice", text });
  }
  let begun = false;
  const told: Listener = (event) => {
    begun = true;
    log?.write(event);
    reporter.listener(event);
  };
  const output = { ...outputTo(reporter, log, options, target), emit: told };
  try {
    return await work(output);
  } catch (error) {
    log?.write(describeError(error, true));
    await reporter.close();
    if (log !== undefined && (begun || !(error instanceof AppError))) {
      const file = path.relative(process.cwd(), log.file);
      reporter.listener({ kind: "notice", text: `the log is ${file}` });
    }
    throw error;
  } finally {
    await reporter.close();
    log?.close();
  }
}

function outputTo(
  reporter: ReturnType<typeof createReporter>,
  log: LogFile | undefined,
  options: OutputOptions,
  target: Target,
): Omit<Output, "emit"> {
  const told = log !== undefined || options.debug;
  const password = told ? targetParts(target).password : undefined;
  const observe = ({ text, values, ...facts }: ObservedStatement): void => {
    const statement = { kind: "statement", ...facts, text: redacted(text, password) } as const;
    log?.write(statement);
    if (!options.debug) return;
    const shown = values.map((value) =>
      typeof value === "string" ? redacted(value, password) : value,
    );
    reporter.listener({ ...statement, values: shown });
  };
  return {
    observed: (observable) => (told ? { ...observable, observe } : observable),
    async show(result, words) {
      log?.write(result);
      await reporter.settle();
      showResult(options, result, words);
    },
    settle: reporter.settle,
    close: reporter.close,
  };
}
