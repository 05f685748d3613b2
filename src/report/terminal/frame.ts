import { formatDuration } from "../../number-formats.ts";
import type { Colors } from "./colors.ts";
import { paceFacts } from "./pace.ts";
import { type Part, type Progress, stepsLeftMilliseconds } from "./progress.ts";

/** Room on the terminal, in characters and lines. */
export type Room = { readonly columns: number; readonly rows: number };

/**
 * The lines under a stage's heading: its parts, or, where they do not fit, those that matter now and
 * counts of the others; then what is known of the whole.
 */
export function drawFrame(progress: Progress, room: Room, now: number, colors: Colors): string[] {
  const foot = footOf(progress, now).map((line) => cut(line, room.columns));
  const drawn = new Map(
    progress.parts.map((part) => [part, drawPart(part, room.columns, now, colors)]),
  );
  const height = room.rows - foot.length;
  return [...chooseParts(progress.parts, drawn, height, colors), ...foot];
}

function chooseParts(
  parts: readonly Part[],
  drawn: ReadonlyMap<Part, readonly string[]>,
  height: number,
  colors: Colors,
): string[] {
  const linesOf = (chosen: readonly Part[]) => chosen.flatMap((part) => drawn.get(part) ?? []);
  const all = linesOf(parts);
  if (all.length <= height) return all;

  const inState = (...states: Part["state"][]) =>
    parts.filter(({ state }) => states.includes(state));
  const underWay = inState("running", "failed");
  const now = [...underWay];
  // Many may go side by side on a small terminal: the first of them is what stays.
  while (now.length > 1 && linesOf(now).length > height - 3) now.pop();
  const done = inState("done");
  const waiting = inState("waiting");
  // Two lines for the counts; what is left of the room shows what was last and what is next.
  const hidden = underWay.length - now.length;
  const spare = Math.max(0, height - linesOf(now).length - (hidden > 0 ? 3 : 2));
  const before = Math.min(done.length, Math.max(Math.floor(spare / 2), spare - waiting.length));
  const after = Math.min(waiting.length, spare - before);
  const shown = [...done.slice(done.length - before), ...now, ...waiting.slice(0, after)];
  const folded = (count: number, icon: string, what: string) =>
    count === 0 ? [] : [`${icon} ${count} ${what}`];
  return [
    ...folded(done.length - before, colors.green("✔"), before === 0 ? "done" : "done before"),
    // In the order of the stage, whatever their state.
    ...linesOf(parts.filter((part) => shown.includes(part))),
    ...folded(hidden, colors.yellow("▸"), "more under way"),
    ...folded(waiting.length - after, colors.dim("◼"), after === 0 ? "to come" : "more to come"),
  ];
}

function drawPart(part: Part, columns: number, now: number, colors: Colors): string[] {
  switch (part.state) {
    case "waiting":
      return [`${colors.dim("◼")} ${colors.dim(cut(part.name, columns - 2))}`];
    case "done":
      return [`${colors.green("✔")} ${withFacts(part.name, [part.outcome ?? ""], columns - 2)}`];
    case "failed":
      return [`${colors.red("✘")} ${withFacts(part.name, [part.outcome ?? ""], columns - 2)}`];
    case "running": {
      const line = `${colors.yellow("▸")} ${withFacts(part.name, runningFacts(part, now), columns - 2)}`;
      if (part.waiting === undefined) return [line];
      const { attempt, reason } = part.waiting;
      const tries = attempt > 1 ? ` (attempt ${attempt})` : "";
      return [
        line,
        ...wrapped(`waits for ${reason}${tries}`, columns - 4).map(
          (text) => `    ${colors.yellow(text)}`,
        ),
      ];
    }
    default:
      return part.state satisfies never;
  }
}

function runningFacts({ name, doing, pace }: Part, now: number): string[] {
  // A part that concerns no table is named after its step.
  const title = doing?.title === name ? "" : (doing?.title ?? "");
  if (pace !== undefined) return [title, ...paceFacts(pace)];
  const lasted = doing === undefined ? 0 : now - doing.since;
  // What is over at once needs no clock.
  return lasted < 2000 ? [title] : [title, formatDuration(Math.floor(lasted / 1000) * 1000)];
}

/** A name with as many facts behind it as there is room for; the first matter most. */
function withFacts(name: string, facts: readonly string[], columns: number): string {
  const [first = "", ...others] = facts.filter((fact) => fact !== "");
  if (first === "") return cut(name, columns);
  if (others.length === 0) return cut(`${name}  ${first}`, columns);
  const fitting = (chosen: readonly string[]) => `${name}  ${chosen.join(", ")}`;
  // Numbers matter more than the step's title, which is the first to go.
  for (let count = others.length; count > 0; count -= 1) {
    const line = fitting([first, ...others.slice(0, count)]);
    if (line.length <= columns) return line;
    const numbers = fitting(others.slice(0, count));
    if (numbers.length <= columns) return numbers;
  }
  return cut(fitting(facts), columns);
}

function footOf(progress: Progress, now: number): string[] {
  const { parts, interrupted, notices } = progress;
  const done = parts.filter(({ state }) => state === "done").length;
  // When a failed step continues is not known.
  const failed = parts.some(({ state }) => state === "failed");
  const left = failed ? undefined : stepsLeftMilliseconds(progress, now);
  const time = left === undefined ? "" : `, about ${formatDuration(left)} of steps left`;
  const whole = done === parts.length ? [] : [`${done} of ${parts.length} done${time}`];
  const noted = notices.slice(-2).map((notice) => `note: ${notice}`);
  switch (interrupted) {
    case undefined:
      return [...noted, ...whole];
    case "stopping":
      return [...noted, ...whole, "Stopping when the statement has ended. Ctrl-C cancels it."];
    case "cancelling":
      return [...noted, ...whole, "Cancelling the statement. What was committed stays."];
    default:
      return interrupted satisfies never;
  }
}

/** Words over as few lines as they need, and over no more than three. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1) ?? "";
    const longer = last === "" ? word : `${last} ${word}`;
    if (longer.length <= columns || last === "" || lines.length === 3) lines.splice(-1, 1, longer);
    else lines.push(word);
  }
  return lines.map((line) => cut(line, columns));
}

function cut(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1)).trimEnd()}…`;
}
