import {
  type DefaultRenderer,
  Listr,
  ListrLogger,
  type ListrTaskWrapper,
  ProcessOutput,
  type SimpleRenderer,
} from "listr2";
import type { RunEvent } from "../../events/events.ts";
import type { Reporter } from "../reporter.ts";
import { colorsFor } from "./colors.ts";
import { drawFrame } from "./frame.ts";
import { describe } from "./lines.ts";
import { advance, beginProgress, failRunning, type Progress } from "./progress.ts";
import { showCriteria } from "./results.ts";
import { wrapped } from "./wrap.ts";

type Task = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

/** What is drawn now; `end` draws it for the last time. */
type List = { readonly progress: Progress; update(): void; end(failed: boolean): void };

/** Time goes by without events, too. */
const redrawEveryMilliseconds = 500;

/** Shows a run as a list by table, with rows and what is waited for, on standard error. */
export function liveReporter(): Reporter {
  let list: List | undefined;
  let drawn: Promise<void> = Promise.resolve();
  /** Writes behind what is being drawn. */
  const write = (stream: NodeJS.WriteStream, text: string) => {
    drawn = drawn.then(() => {
      stream.write(text);
    });
  };
  const begin = (progress: Progress) => {
    const before = drawn;
    const { list: begun, ended } = newList(progress, before);
    list = begun;
    drawn = ended;
  };
  const end = (failed: boolean) => {
    if (list === undefined) return;
    const { notices } = list.progress;
    list.progress.notices = [];
    list.progress.interrupted = undefined;
    list.end(failed);
    list = undefined;
    for (const notice of notices) say({ kind: "notice", text: notice });
  };
  const say = (event: RunEvent) => {
    const line = describe(event, "normal");
    if (line === undefined) return;
    const { columns = Number.POSITIVE_INFINITY } = process.stderr;
    // What is indented has lines of its own.
    const fitting = /^\S[^\n]*$/.test(line) ? wrapped(line, columns, "      ").trimStart() : line;
    write(process.stderr, `${fitting}\n`);
  };
  let results: string[] = [];
  const conclude = (event: RunEvent, failed: boolean) => {
    end(failed);
    for (const result of results) write(process.stdout, result);
    results = [];
    say(event);
  };

  return {
    listener(event) {
      if (list !== undefined) {
        advance(list.progress, event, performance.now());
        list.update();
      }
      switch (event.kind) {
        case "stage-started":
        case "rollback-started": {
          end(true);
          const progress = beginProgress(event);
          if (progress !== undefined) begin(progress);
          break;
        }
        case "stage-verified":
          results.push(showCriteria(event.stage, event.verification));
          break;
        case "stage-applied":
        case "rollback-finished":
          conclude(event, false);
          break;
        case "stage-failed":
          conclude(event, true);
          break;
        default:
          if (list === undefined) say(event);
      }
    },
    async settle() {
      await drawn;
    },
    async close() {
      if (list !== undefined) failRunning(list.progress, undefined);
      end(true);
      await drawn;
    },
  };
}

/**
 * One task of listr2, whose title has as many lines as there is room for: it paints, spins, and keeps
 * what others write out of what is drawn; which lines there are is ours to say.
 */
function newList(
  progress: Progress,
  before: Promise<void>,
): { readonly list: List; readonly ended: Promise<void> } {
  let task: Task | undefined;
  let settle: (failed: boolean) => void = () => {};
  const settled = new Promise<void>((resolve, reject) => {
    settle = (failed) => (failed ? reject(new Error(progress.heading)) : resolve());
  });
  // A list that ends before it is drawn is looked at by nobody yet.
  settled.catch(() => {});
  const list: List = {
    progress,
    update() {
      if (task !== undefined) task.title = titleOf(progress);
    },
    end(failed) {
      list.update();
      settle(failed);
    },
  };
  const drawing = new Listr(
    [
      {
        title: progress.heading,
        task: async (_context: unknown, given: Task) => {
          task = given;
          list.update();
          const timer = setInterval(list.update, redrawEveryMilliseconds);
          await settled.finally(() => clearInterval(timer));
        },
      },
    ],
    {
      registerSignalListeners: false,
      rendererOptions: {
        logger: new ListrLogger({
          processOutput: new ProcessOutput(process.stderr, process.stderr),
        }),
        formatOutput: "truncate",
        collapseErrors: false,
        showErrorMessage: false,
      },
    },
  );
  return {
    list,
    // What failed is thrown by the run itself, with all that is to be said about it.
    ended: before
      .then(() => drawing.run())
      .then(
        () => {},
        () => {},
      ),
  };
}

function titleOf(progress: Progress): string {
  const { columns = 80, rows = 24 } = process.stderr;
  // listr2 leaves two columns free, and puts an icon and a space before the first line.
  const room = { columns: columns - 4, rows: rows - 3 };
  const lines = drawFrame(progress, room, performance.now(), colorsFor(process.stderr));
  return [progress.heading, ...lines].join("\n");
}
