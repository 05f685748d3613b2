import path from "node:path";
import { loadSettings, parseSettings } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import type { Listener } from "../../events/events.ts";
import { type Caller, type Interruption, type Questions, unattended } from "./caller.ts";
import { type Workspace, withWorkspace } from "./workspace.ts";

export type OpenOptions = {
  /** The database; else libpq's PG* variables and ~/.pgpass. */
  readonly url?: string;
  /** The configuration itself; else it is read from `configFile`, or found in the folder. */
  readonly config?: Config;
  readonly configFile?: string;
  /** Where relative paths of a given configuration start, and where one is looked for. */
  readonly folder?: string;
  /** Is told of everything that happens. */
  readonly onEvent?: Listener;
  /** Whether this is a CI job: tags are pushed only where the configuration sets `git.push`. */
  readonly inCi?: boolean;
  /** Answers questions; else every operation does what it was called for. */
  readonly questions?: Questions;
  /** Aborted, the statement under way ends, and the operation stops so that it can be resumed. */
  readonly interrupt?: AbortSignal;
  /** Aborted after `interrupt`, the statements under way are cancelled. */
  readonly cancel?: AbortSignal;
};

/**
 * Opens a configuration and its database for a program, and closes the session when the work is done.
 * @throws AppError CONFIG_NOT_FOUND, CONFIG_INVALID, CONNECTION_FAILED
 */
export async function openWorkspace<Result>(
  options: OpenOptions,
  work: (workspace: Workspace) => Promise<Result>,
): Promise<Result> {
  const folder = path.resolve(options.folder ?? ".");
  const { settings, ...place } =
    options.config === undefined
      ? await loadSettings(folder, options.configFile)
      : { settings: parseSettings(options.config, "the configuration"), folder, file: folder };
  const target = { url: options.url };
  const workspace = { settings, folder: place.folder, configFile: place.file, target };
  return withWorkspace({ ...workspace, caller: callerFrom(options) }, work);
}

const never = new AbortController().signal;

function callerFrom({ onEvent, questions, inCi, interrupt, cancel }: OpenOptions): Caller {
  const interruption: Interruption = {
    interrupted: interrupt ?? never,
    cancelled: cancel ?? never,
    stop: () => undefined,
  };
  return {
    emit: onEvent ?? (() => undefined),
    questions: questions ?? unattended,
    inCi: inCi ?? false,
    listen: () => interruption,
  };
}
