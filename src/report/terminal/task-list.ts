import {
  type DefaultRenderer,
  Listr,
  ListrLogger,
  type ListrTaskWrapper,
  ProcessOutput,
  type SimpleRenderer,
} from "listr2";
import { colorsFor } from "./colors.ts";
import { drawFrame } from "./frame.ts";
import type { Progress } from "./progress.ts";

type Task = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

/** What is drawn now; `end` draws it for the last time. */
export type TaskList = { readonly progress: Progress; update(): void; end(failed: boolean): void };

/** Time passes without events, too. */
const redrawEveryMilliseconds = 500;

/**
 * One task of listr2, whose title has as many lines as there is room for: listr2 draws, spins, and keeps
 * other output apart; the lines are composed here.
 * @param before what must have been drawn first
 */
export function drawTaskList(
  progress: Progress,
  before: Promise<void>,
): { readonly list: TaskList; readonly ended: Promise<void> } {
  let task: Task | undefined;
  let settle: (failed: boolean) => void = () => {};
  const settled = new Promise<void>((resolve, reject) => {
    settle = (failed) => (failed ? reject(new Error(progress.heading)) : resolve());
  });
  // A list that ends before it is drawn has not been shown yet.
  settled.catch(() => {});
  const list: TaskList = {
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
    // The run itself throws the error, with its details.
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
