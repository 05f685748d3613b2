import {
  type DefaultRenderer,
  Listr,
  ListrLogger,
  type ListrTaskWrapper,
  ProcessOutput,
  type SimpleRenderer,
} from "listr2";
import { allResults, type Listener, type RunEvent, type StepFacts } from "./events.ts";
import { describe } from "./lines.ts";
import { section } from "./results.ts";
import { formatBytes, formatCount, formatDuration } from "./units.ts";

type Task = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

/** A row of the list: a table with its steps, or a part of a stage that concerns no table. */
type Row = {
  readonly title: string;
  steps: number;
  milliseconds: number;
  task: Task | undefined;
  readonly ended: Promise<void>;
  end(): void;
  fail(reason: string): void;
};

/** A list that lives in the terminal; `close` waits until it has been drawn for the last time. */
export type LiveReporter = {
  readonly listener: Listener;
  settle(): Promise<void>;
  close(): Promise<void>;
};

/** Shows a run as a list by table, with rows and what is waited for, on standard error. */
export function liveReporter(): LiveReporter {
  let rows: Row[] = [];
  let drawn: Promise<unknown> = Promise.resolve();
  let criteria = "";
  /** Writes behind what is being drawn. */
  const write = (text: string) => {
    drawn = drawn.then(() => process.stderr.write(text));
  };
  const ofStep = (step: StepFacts) => rows.find(({ title }) => title === titleOf(step));
  const say = (row: Row | undefined, text: string) => {
    if (row?.task !== undefined) row.task.output = text;
  };

  const start = (heading: string, titles: readonly string[]) => {
    const counts = new Map<string, number>();
    for (const title of titles) counts.set(title, (counts.get(title) ?? 0) + 1);
    rows = [...counts].map(([title, steps]) => newRow(title, steps));
    const before = drawn;
    drawn = before.then(() => draw(heading, rows));
  };
  const finish = () => {
    for (const row of rows) row.end();
  };
  const stepEnded = (step: StepFacts, milliseconds: number) => {
    const row = ofStep(step);
    if (row === undefined) return;
    row.steps -= 1;
    row.milliseconds += milliseconds;
    if (row.steps > 0) return;
    if (row.task !== undefined)
      row.task.title = `${row.title}  ${formatDuration(row.milliseconds)}`;
    row.end();
  };

  const listener = (event: RunEvent): void => {
    switch (event.kind) {
      case "stage-started": {
        const rest = [...event.steps.map(titleOf), verification];
        start(`${event.stage}: ${event.title}`, event.resumed ? rest : [backup, ...rest]);
        break;
      }
      case "rollback-started":
        finish();
        start(`${event.stage}: rolling back`, event.steps.map(titleOf));
        break;
      case "backup-progress":
        say(
          rows.find(({ title }) => title === backup),
          `${event.tables} of ${event.ofTables} tables, ${formatBytes(event.bytes)}`,
        );
        break;
      case "backup-finished": {
        const row = rows.find(({ title }) => title === backup);
        if (row?.task !== undefined) {
          row.task.title = `${backup}  ${event.folder} (${formatBytes(event.bytes)}), ${event.tag}`;
        }
        row?.end();
        break;
      }
      case "step-started":
        say(ofStep(event.step), event.step.title);
        break;
      case "step-progress":
        say(
          ofStep(event.step),
          `${event.step.title}: ${Math.floor((100 * event.done) / Math.max(event.total, 1))} % of its pages, ${formatCount(event.rows)} rows`,
        );
        break;
      case "step-waiting":
        say(ofStep(event.step), `waiting (${event.attempt}): ${event.reason}`);
        break;
      case "step-verified":
        stepEnded(event.step, 0);
        break;
      case "step-applied": {
        const row = ofStep(event.step);
        if (row !== undefined) row.milliseconds += event.milliseconds;
        break;
      }
      case "step-undone":
        stepEnded(event.step, event.milliseconds);
        break;
      case "stage-failed":
        for (const row of rows) row.fail(event.message);
        break;
      case "stage-verified": {
        const row = rows.find(({ title }) => title === verification);
        const results = allResults(event.verification);
        const held = results.filter(({ violations }) => violations.length === 0).length;
        if (row?.task !== undefined) {
          row.task.title = `${verification}  ${held} of ${results.length} claims hold`;
        }
        criteria = section("The plan's success criteria", event.verification.criteria);
        break;
      }
      case "stage-applied":
      case "rollback-finished":
        finish();
        write(`${criteria}${describe(event)}\n`);
        criteria = "";
        break;
      case "notice":
        write(`${describe(event)}\n`);
        break;
      case "backup-started":
      case "proof-started":
        break;
      default:
        event satisfies never;
    }
  };
  return {
    listener,
    async settle() {
      await drawn;
    },
    async close() {
      finish();
      await drawn;
    },
  };
}

const backup = "back up and tag";
const verification = "verify";

function titleOf({ table, title }: StepFacts): string {
  return table ?? title;
}

function newRow(title: string, steps: number): Row {
  let end: () => void = () => {};
  let fail: (reason: Error) => void = () => {};
  const ended = new Promise<void>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  // A row that fails before the list has come to it is looked at by nobody yet.
  ended.catch(() => {});
  return {
    title,
    steps,
    milliseconds: 0,
    task: undefined,
    ended,
    end,
    fail: (reason) => fail(new Error(reason)),
  };
}

async function draw(heading: string, rows: readonly Row[]): Promise<void> {
  process.stderr.write(`${heading}\n`);
  const list = new Listr(
    rows.map((row) => ({
      title: row.title,
      task: (_context: unknown, task: Task) => {
        row.task = task;
        return row.ended;
      },
    })),
    {
      exitOnError: true,
      registerSignalListeners: false,
      rendererOptions: {
        logger: new ListrLogger({
          processOutput: new ProcessOutput(process.stderr, process.stderr),
        }),
        collapseErrors: false,
      },
    },
  );
  // What failed is thrown by the run itself, with all that is to be said about it.
  await list.run().catch(() => {});
}
