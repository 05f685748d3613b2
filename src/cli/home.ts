import { stages } from "../../stages/index.ts";
import { AppError } from "../errors.ts";
import { type Run, readRuns } from "../journal/journal.ts";
import { wrapped } from "../report/wrap.ts";
import { makeBackupIn } from "./backups.ts";
import { checkIn, dangers } from "./check.ts";
import { mayAsk } from "./confirm.ts";
import type { GlobalOptions } from "./options.ts";
import { planIn } from "./plan.ts";
import { askWhich } from "./prompt.ts";
import { defaultWritesPerSecond, rehearseAndShow } from "./rehearse.ts";
import { rollbackIn } from "./rollback.ts";
import { runIn } from "./run.ts";
import { showError } from "./show-error.ts";
import { statusIn } from "./status.ts";
import { verifyIn } from "./verify.ts";
import { backupOf, verifyBackupIn } from "./verify-backup.ts";
import { type Workplace, withWorkplace } from "./workplace.ts";

/** `tenantry` alone: where things stand, and, where somebody can be asked, what to do next. */
export function home(options: GlobalOptions): Promise<void> {
  return withWorkplace(options, async (workplace) => {
    if (!mayAsk(options)) return statusIn(workplace, { ...options, steps: false });
    for (;;) {
      process.stdout.write("\n");
      await statusIn(workplace, { ...options, steps: false });
      const columns = process.stdout.columns ?? 80;
      process.stdout.write(`${wrapped(await dangers(workplace), columns, "")}\n`);
      const choices = choicesFor(await readRuns(workplace.session), workplace, options);
      const choice = await askWhich<Choice | "leave">("What now?", [
        ...choices.map((one) => ({ name: one.title, value: one })),
        { name: "leave", value: "leave" },
      ]);
      if (choice === "leave") return;
      await attempt(choice.work, options);
    }
  });
}

type Choice = { readonly title: string; readonly work: () => Promise<void> };

/** What can be done from here, the likeliest first. */
function choicesFor(runs: readonly Run[], workplace: Workplace, options: GlobalOptions): Choice[] {
  const inForce = runs.filter(({ state }) => state !== "rolled back");
  const applied = inForce.filter(({ state }) => state === "applied").map(({ stage }) => stage);
  const last = inForce.at(-1);
  const next = stages.map(({ name }) => name).find((stage) => !applied.includes(stage));
  const goesOn = inForce.some(({ stage, state }) => stage === next && state === "running");
  const forward: Choice[] =
    next === undefined || last?.state === "rolling back"
      ? []
      : [
          ...(goesOn
            ? []
            : [
                {
                  title: "check: what would bite, and what mends it",
                  work: () => checkIn(workplace, { stage: undefined }),
                },
                {
                  title: `plan ${next}: every step, the lock it takes, its table's size`,
                  work: () => planIn(workplace, { ...options, stage: next, sql: false }),
                },
                {
                  title: "rehearse what is left on a copy, and predict its times",
                  work: () =>
                    rehearseAndShow(workplace, {
                      ...options,
                      writesPerSecond: defaultWritesPerSecond,
                    }),
                },
              ]),
          {
            title: goesOn ? `go on with ${next}, where it stopped` : `run ${next}`,
            work: () => runIn(workplace, { ...options, stage: next }),
          },
        ];
  return [
    ...forward,
    ...applied.map((stage) => ({
      title: `verify ${stage}: reads only`,
      work: () => verifyIn(workplace, { ...options, stage }),
    })),
    ...(last === undefined
      ? []
      : [
          {
            title: `roll back ${last.stage}${last.state === "rolling back" ? ", which was interrupted" : ""}`,
            work: () => rollbackIn(workplace, { ...options, all: false, despiteGuards: false }),
          },
        ]),
    { title: "back the database up now", work: () => makeBackupIn(workplace) },
    {
      title: "verify the newest backup: restore it elsewhere, and compare",
      work: async () => verifyBackupIn(await backupOf(workplace, undefined), options),
    },
  ];
}

/** An error ends what was chosen, and not the session; a connection that is lost ends both. */
async function attempt(work: () => Promise<void>, options: GlobalOptions): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof AppError) || error.code === "CONNECTION_LOST") throw error;
    showError(error, options);
  }
}
