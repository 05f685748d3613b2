import { AppError } from "../../errors.ts";
import { findBackup } from "../../operations/backups/verify-backup.ts";
import type { Workspace } from "../../operations/context/workspace.ts";
import { rollBackStages } from "../../operations/roll-back.ts";
import { runStages } from "../../operations/run-stages.ts";
import { readStatus, type Status } from "../../operations/status.ts";
import { wrapped } from "../../report/terminal/wrap.ts";
import type { GlobalOptions } from "../options.ts";
import { showError } from "../screens/error.ts";
import type { Output } from "../terminal/output.ts";
import { askWhich } from "../terminal/prompt.ts";
import { mayAsk } from "../terminal/questions.ts";
import { inWorkspace } from "../workspace.ts";
import { backUpAndShow } from "./backups/backup.ts";
import { verifyBackupAndShow } from "./backups/verify-backup.ts";
import { checkAndShow, summarizeChecks } from "./check.ts";
import { planAndShow } from "./plan.ts";
import { rehearseAndShow } from "./rehearse.ts";
import { statusAndShow } from "./status.ts";
import { verifyAndShow } from "./verify.ts";

/** `tenantry` alone: the state of each stage, and at a terminal a choice of what to do next. */
export function home(options: GlobalOptions): Promise<void> {
  return inWorkspace(options, async (workspace, output) => {
    if (!mayAsk(options)) return statusAndShow(workspace, output, { steps: false });
    for (;;) {
      process.stdout.write("\n");
      await statusAndShow(workspace, output, { steps: false });
      const columns = process.stdout.columns ?? 80;
      process.stdout.write(`${wrapped(await summarizeChecks(workspace), columns, "")}\n`);
      const choices = choicesFor(await readStatus(workspace), {
        workspace,
        output,
        options,
      });
      const choice = await askWhich<Choice | "leave">("What now?", [
        ...choices.map((one) => ({ name: one.title, value: one })),
        { name: "leave", value: "leave" },
      ]);
      if (choice === "leave") return;
      await attempt(choice.work, output, options);
    }
  });
}

type Choice = { readonly title: string; readonly work: () => Promise<unknown> };

type Place = {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly options: GlobalOptions;
};

function titleOfResuming(stage: string, turned: boolean): string {
  return turned
    ? `go on with ${stage}, whose rollback was interrupted`
    : `resume ${stage} where it stopped`;
}

/** What can be done from here, the likeliest first. */
function choicesFor({ stages, later }: Pick<Status, "stages" | "later">, place: Place): Choice[] {
  const { workspace, output, options } = place;
  const inForce = stages.filter(({ state }) => state !== "rolled back" && state !== "not applied");
  const applied = inForce.filter(({ state }) => state === "applied").map(({ stage }) => stage);
  const last = [...inForce, ...later]
    .toSorted((one, other) => (one.startedAt ?? "").localeCompare(other.startedAt ?? ""))
    .at(-1);
  const next = stages.map(({ stage }) => stage).find((stage) => !applied.includes(stage));
  const goesOn = inForce.some(({ stage }) => stage === next);
  const turned = last?.state === "rolling back";
  const forward: Choice[] =
    next === undefined || (turned && last.stage !== next)
      ? []
      : [
          ...(goesOn
            ? []
            : [
                {
                  title: "check for problems before anything is changed",
                  work: () => checkAndShow(workspace, output, {}),
                },
                {
                  title: `plan ${next}: every step, the lock it takes, its table's size`,
                  work: () =>
                    planAndShow(workspace, output, { ...options, stage: next, sql: false }),
                },
                {
                  title: "rehearse what is left on a copy, and predict its times",
                  work: () => rehearseAndShow(workspace, output, {}),
                },
              ]),
          {
            title: goesOn ? titleOfResuming(next, turned) : `run ${next}`,
            work: () => runStages(workspace, { stage: next }),
          },
        ];
  return [
    ...forward,
    ...applied.map((stage) => ({
      title: `verify ${stage}: changes nothing that lasts`,
      work: () => verifyAndShow(workspace, output, { ...options, stage }),
    })),
    ...(last === undefined
      ? []
      : [
          {
            title: `roll back ${last.stage}${last.state === "rolling back" ? ", which was interrupted" : ""}`,
            work: () => rollBackStages(workspace),
          },
        ]),
    { title: "back up the database now", work: () => backUpAndShow(workspace, output) },
    {
      title: "verify the newest backup: restore it elsewhere, and compare",
      work: async () => verifyBackupAndShow(await findBackup(workspace, undefined), options),
    },
  ];
}

/** An error ends what was chosen, and not the session; a connection that is lost ends both. */
async function attempt(
  work: Choice["work"],
  output: Output,
  options: GlobalOptions,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof AppError) || error.code === "CONNECTION_LOST") throw error;
    await output.settle();
    showError(error, options);
  } finally {
    await output.close();
  }
}
