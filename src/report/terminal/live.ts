import type { RunEvent } from "../../events/events.ts";
import type { Reporter } from "../reporter.ts";
import { describe } from "./lines.ts";
import { advance, beginProgress, failRunning, type Progress } from "./progress.ts";
import { showCriteria } from "./results.ts";
import { drawTaskList, type TaskList } from "./task-list.ts";
import { wrapped } from "./wrap.ts";

/** Shows a run as a list by table, with rows and what is waited for, on standard error. */
export function liveReporter(): Reporter {
  const screen = new LiveScreen();
  return {
    listener: (event) => screen.show(event),
    settle: () => screen.drawn,
    async close() {
      screen.abandon();
      await screen.drawn;
    },
  };
}

/** The list that is drawn, and what is written behind it. */
class LiveScreen {
  #list: TaskList | undefined;
  #results: string[] = [];
  /** Resolves when all that was sent is drawn. */
  drawn: Promise<void> = Promise.resolve();

  show(event: RunEvent): void {
    if (this.#list !== undefined) {
      advance(this.#list.progress, event, performance.now());
      this.#list.update();
    }
    switch (event.kind) {
      case "stage-started":
      case "rollback-started": {
        this.#end(true);
        const progress = beginProgress(event);
        if (progress !== undefined) this.#begin(progress);
        break;
      }
      case "stage-verified":
        this.#results.push(showCriteria(event.stage, event.verification));
        break;
      case "stage-applied":
      case "rollback-finished":
        this.#conclude(event, false);
        break;
      case "stage-failed":
        this.#conclude(event, true);
        break;
      default:
        if (this.#list === undefined) this.#say(event);
    }
  }

  /** Draws what is under way as failed, for the last time. */
  abandon(): void {
    if (this.#list !== undefined) failRunning(this.#list.progress, undefined);
    this.#end(true);
  }

  #begin(progress: Progress): void {
    const { list, ended } = drawTaskList(progress, this.drawn);
    this.#list = list;
    this.drawn = ended;
  }

  #end(failed: boolean): void {
    if (this.#list === undefined) return;
    const { progress } = this.#list;
    const { notices } = progress;
    progress.notices = [];
    progress.interrupted = undefined;
    this.#list.end(failed);
    this.#list = undefined;
    for (const text of notices) this.#say({ kind: "notice", text });
  }

  #conclude(event: RunEvent, failed: boolean): void {
    this.#end(failed);
    for (const result of this.#results) this.#write(process.stdout, result);
    this.#results = [];
    this.#say(event);
  }

  #say(event: RunEvent): void {
    const line = describe(event, "normal");
    if (line === undefined) return;
    const { columns = Number.POSITIVE_INFINITY } = process.stderr;
    // An indented text keeps its lines.
    const fitting = /^\S[^\n]*$/.test(line) ? wrapped(line, columns, "      ").trimStart() : line;
    this.#write(process.stderr, `${fitting}\n`);
  }

  /** Writes behind what is being drawn. */
  #write(stream: NodeJS.WriteStream, text: string): void {
    this.drawn = this.drawn.then(() => {
      stream.write(text);
    });
  }
}
