import type { Listener } from "./events.ts";
import { lineReporter } from "./lines.ts";
import { liveReporter } from "./live.ts";

export type OutputMode = "live" | "lines" | "json";

/**
 * A way to show events. `settle` returns when what was sent has been drawn and the terminal is free
 * for a question; `close` ends what is still being drawn.
 */
export type Reporter = {
  readonly listener: Listener;
  settle(): Promise<void>;
  close(): Promise<void>;
};

const nothing = async (): Promise<void> => {};

/** How to show events here: live where somebody watches, JSON where a program reads, else lines. */
export function outputMode(json: boolean): OutputMode {
  if (json) return "json";
  const watched = process.stderr.isTTY === true && process.stdout.isTTY === true;
  return watched && !process.env["CI"] && process.env["TERM"] !== "dumb" ? "live" : "lines";
}

export function createReporter(mode: OutputMode): Reporter {
  switch (mode) {
    case "live":
      return liveReporter();
    case "lines":
      return {
        listener: lineReporter((line) => process.stderr.write(`${line}\n`)),
        settle: nothing,
        close: nothing,
      };
    case "json":
      return {
        listener: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
        settle: nothing,
        close: nothing,
      };
    default:
      return mode satisfies never;
  }
}
