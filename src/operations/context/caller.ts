import type { LostRows } from "../../backup/restore/lost-rows.ts";
import type { AppError } from "../../errors.ts";
import type { Listener } from "../../events/events.ts";
import type { Finding } from "../../events/finding.ts";
import type { TableLine } from "../../plan/summary.ts";
import type { RunName } from "../../steps/model/stage.ts";

/** The caller of an operation: gets events, answers questions, and may interrupt. */
export type Caller = {
  readonly emit: Listener;
  readonly questions: Questions;
  /** Whether this is a CI job: its tags are pushed only where the configuration sets `git.push`. */
  readonly inCi: boolean;
  /** Begins to listen for an interruption, until `stop` is called. */
  readonly listen: () => Interruption;
};

/** How an operation under way is interrupted. */
export type Interruption = {
  /** Aborted first: the statement under way ends, then the operation stops so that it can be resumed. */
  readonly interrupted: AbortSignal;
  /** Aborted second: the statements under way are cancelled. */
  readonly cancelled: AbortSignal;
  stop(): void;
};

/** A stage that is about to be run. */
export type PlannedStage = {
  readonly stage: RunName;
  readonly title: string;
  readonly tables: readonly TableLine[];
  /** Rows that will be in another organization than the row that they reference, by foreign key. */
  readonly crossing: readonly string[];
  /** What becomes of the application's files; undefined where the stage leaves them alone. */
  readonly application:
    | {
        readonly folder: string;
        readonly changed: readonly string[];
        readonly gates: readonly string[];
      }
    | undefined;
  /** Of all its steps in their rehearsal; undefined where there was none. */
  readonly milliseconds: number | undefined;
};

/** What is about to be done, and has to be confirmed. */
export type Confirmation = {
  readonly database: string;
  /** The server's name, address or socket folder. */
  readonly host: string;
} & (
  | {
      readonly kind: "run";
      readonly wanted: readonly RunName[];
      readonly stages: readonly PlannedStage[];
      /** What the stages leave open around the fence. */
      readonly around: readonly Finding[];
      readonly databaseBytes: number;
      /** Where backups and tags go. */
      readonly backups: string;
      readonly repository: string;
      readonly lockTimeoutInMilliseconds: number;
    }
  | { readonly kind: "roll back"; readonly stages: readonly RunName[] }
  | {
      readonly kind: "restore in place";
      /** When the backup was made. */
      readonly since: string;
      readonly lost: readonly LostRows[];
    }
);

/** A stage that failed, with what can be done about it. */
export type StageFailure = {
  readonly stage: RunName;
  readonly error: AppError;
  /** Why rolling it back would be refused; empty where nothing is in the way. */
  readonly refusals: readonly string[];
};

export type FailureDecision = "retry" | "roll back" | "stop";

export type Questions = {
  /** @throws AppError CONFIRMATION_NEEDED unless it is meant */
  confirm(what: Confirmation): Promise<void>;
  /** Without it, a stage that fails rolls itself back. */
  readonly afterFailure?: (failure: StageFailure) => Promise<FailureDecision>;
};

/** For a program, whose call is its consent: every question is answered with yes. */
export const unattended: Questions = { confirm: async () => undefined };
