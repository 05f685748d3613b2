import { AppError } from "../../errors.ts";
import type {
  Confirmation,
  FailureDecision,
  Questions,
  StageFailure,
} from "../../operations/context/caller.ts";
import type { GlobalOptions } from "../options.ts";
import { showLoss } from "../screens/restore.ts";
import { showStageScreen } from "../screens/stage.ts";
import type { Output } from "./output.ts";
import { askText, askWhich, askYesOrNo } from "./prompt.ts";

type Asking = Pick<GlobalOptions, "yes" | "json"> & {
  /** The database's name, which confirms a restore in place without a question. */
  readonly confirm?: string | undefined;
  /** `ask` is a question that --yes does not answer. */
  readonly onFailure?: string | undefined;
};

/** Whether questions can be asked: there is a terminal, and neither --yes nor --json. */
export function mayAsk({ yes, json }: Pick<GlobalOptions, "yes" | "json">): boolean {
  return !yes && !json && process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/** How an operation's questions are asked at this terminal. */
export function questionsOf(options: Asking, output: Output): Questions {
  const confirm = (what: Confirmation) => confirmHere(options, output, what);
  const asks = options.onFailure === "ask" ? { ...options, yes: false } : options;
  if (!mayAsk(asks)) return { confirm };
  return { confirm, afterFailure: (failure) => askAfterFailure(output, failure) };
}

/** @throws AppError CONFIRMATION_NEEDED unless it is meant */
async function confirmHere(options: Asking, output: Output, what: Confirmation): Promise<void> {
  switch (what.kind) {
    case "run": {
      if (mayAsk(options)) {
        for (const stage of what.stages) process.stderr.write(showStageScreen(what, stage));
      }
      return confirm(options, what, `Run ${what.wanted.join(", ")} on ${what.database}?`);
    }
    case "roll back":
      return confirm(options, what, `Roll back ${what.stages.join(", ")} on ${what.database}?`);
    case "restore in place":
      return confirmLoss(options, output, what);
    default:
      return what satisfies never;
  }
}

/** A database that is not local is confirmed by its name. */
async function confirm(
  options: Asking,
  { database, host }: Pick<Confirmation, "database" | "host">,
  question: string,
): Promise<void> {
  if (options.yes) return;
  if (!mayAsk(options)) {
    const fault = "confirmation is required, and there is no terminal";
    throw notConfirmed({ fault, next: "run it again with --yes" });
  }
  const local = ["localhost", "127.0.0.1", "::1"].includes(host) || host.startsWith("/");
  const answer = local
    ? await askYesOrNo(question)
    : await askText(`${question}\n  It is on ${host}. Type the database's name to confirm:`);
  if (answer !== true && answer !== database) {
    throw notConfirmed({ fault: "it was not confirmed", next: "run it again and confirm" });
  }
}

/** What is lost belongs to the question, and is not a result yet. */
async function confirmLoss(
  options: Asking,
  output: Output,
  what: Extract<Confirmation, { kind: "restore in place" }>,
): Promise<void> {
  const { database, since, lost } = what;
  if (options.json) {
    await output.show({ kind: "restore-loses", database, since, tables: lost }, () => "");
  } else {
    process.stderr.write(showLoss(what));
  }
  const question = `All sessions on ${database} will be disconnected. Type its name to confirm:`;
  const name = options.confirm ?? (mayAsk(options) ? await askText(question) : undefined);
  if (name === database) return;
  throw notConfirmed({
    object: database,
    fault:
      name === undefined
        ? "confirmation is required, and there is no terminal"
        : "it was not confirmed",
    state: "no database was changed; what was restored beside it is dropped again",
    next: "run it again with --confirm and the database's name",
  });
}

function askAfterFailure(output: Output, failure: StageFailure): Promise<FailureDecision> {
  const { stage, error, refusals } = failure;
  return output.settle().then(() => {
    const refused =
      refusals.length === 0 ? [] : ["Rolling it back is refused, because:", ...refusals];
    const said = [`${error.object}: ${error.fault}`, ...error.details, ...refused];
    process.stderr.write(`\n${said.join("\n")}\n`);
    return askWhich<FailureDecision>(`${stage} failed. What now?`, [
      { name: "retry from the step that failed", value: "retry" },
      { name: `roll back ${stage} to where it started`, value: "roll back" },
      { name: "stop and keep the checkpoints (resume with tenantry run)", value: "stop" },
    ]);
  });
}

function notConfirmed(said: {
  readonly object?: string;
  readonly fault: string;
  readonly state?: string;
  readonly next: string;
}): AppError {
  return new AppError({
    code: "CONFIRMATION_NEEDED",
    object: "tenantry",
    state: "nothing was changed",
    ...said,
  });
}
