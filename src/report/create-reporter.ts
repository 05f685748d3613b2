import type { Listener } from "../events/events.ts";
import { jsonLine } from "./json.ts";
import { atLeast, isFor, type Level } from "./level.ts";
import type { OutputMode, Reporter } from "./reporter.ts";
import { lineReporter } from "./terminal/lines.ts";
import { liveReporter } from "./terminal/live.ts";
import { showCriteria, showVerification } from "./terminal/results.ts";

const nothing = async (): Promise<void> => {};

/** How to show events here: live at a terminal, JSON for a program, else lines. */
export function outputMode({
  json,
  level,
  inCi,
}: {
  readonly json: boolean;
  readonly level: Level;
  readonly inCi: boolean;
}): OutputMode {
  if (json) return "json";
  const watched = process.stderr.isTTY === true && process.stdout.isTTY === true;
  const drawable = !inCi && process.env["TERM"] !== "dumb";
  return watched && drawable && level === "normal" ? "live" : "lines";
}

/** Results go to standard output, progress to standard error; as JSON both go to standard output. */
export function createReporter(mode: OutputMode, level: Level): Reporter {
  switch (mode) {
    case "live":
      return liveReporter();
    case "lines":
      return { listener: linesAndResults(level), settle: nothing, close: nothing };
    case "json":
      return {
        listener: (event) => {
          if (isFor(level, event)) process.stdout.write(jsonLine(event));
        },
        settle: nothing,
        close: nothing,
      };
    default:
      return mode satisfies never;
  }
}

function linesAndResults(level: Level): Listener {
  const report = lineReporter(level, (line) => process.stderr.write(`${line}\n`));
  return (event) => {
    if (!isFor(level, event)) return;
    if (event.kind === "stage-verified") {
      const { stage, verification } = event;
      process.stdout.write(
        atLeast(level, "verbose")
          ? showVerification(stage, verification, level)
          : showCriteria(stage, verification),
      );
    } else report(event);
  };
}
