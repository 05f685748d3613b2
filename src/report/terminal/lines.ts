import type { RunEvent, StepFacts } from "../../events/events.ts";
import { listCounts } from "../../events/finding.ts";
import { counted, formatBytes, formatCount, formatDuration } from "../../number-formats.ts";
import { atLeast, type Level } from "../level.ts";
import { beginPace, dumpFacts, type Pace, paceFacts } from "./pace.ts";
import { Waits } from "./waits.ts";

/** How often a backfill and the proof report their progress where only lines are shown. */
const progressEveryMilliseconds = 10_000;

/**
 * One line an event, for pipes, logs and CI.
 * @param write is given lines without their ends
 * @param now milliseconds, from any start
 */
export function lineReporter(
  level: Level,
  write: (line: string) => void,
  now: () => number = () => performance.now(),
): (event: RunEvent) => void {
  /** Of the steps under way, which go side by side, by their ids. */
  const under = new Map<string, { pace: Pace | undefined; saidAt: number }>();
  const waits = new Waits();
  let applied = 0;
  let steps = 0;
  let provedAt = now();
  return (event) => {
    if (event.kind === "proof-progress" && !atLeast(level, "verbose")) {
      if (now() - provedAt < progressEveryMilliseconds) return;
      provedAt = now();
    }
    if (event.kind === "step-waiting") {
      if (!waits.isDue(event.step.id, event.reason, now())) return;
    } else if ("step" in event) {
      const waited = waits.end(event.step.id, now());
      if (waited !== undefined) write(`  ${about(event.step)}: ${waited}`);
    }
    if (event.kind === "stage-started") {
      applied = 0;
      steps = event.steps.length;
    }
    if (event.kind === "step-applied") applied += 1;
    if (event.kind === "step-started") under.set(event.step.id, { pace: undefined, saidAt: now() });
    if (event.kind === "step-applied" || event.kind === "step-failed") under.delete(event.step.id);
    if (event.kind === "step-progress" && event.done < event.total) {
      const at = now();
      const before = under.get(event.step.id);
      const pace = beginPace(before?.pace, event, at);
      const said = before?.saidAt ?? at;
      const due = atLeast(level, "verbose") || at - said >= progressEveryMilliseconds;
      under.set(event.step.id, { pace, saidAt: due ? at : said });
      if (due) write(`  ${about(event.step)}: ${paceFacts(pace).join(", ")}`);
      return;
    }
    const line = describe(event, level);
    if (line !== undefined) write(line);
    if (event.kind === "stage-failed") {
      write(`${event.stage}: ${applied} of ${steps} steps were applied`);
    }
  };
}

function about({ table, title }: StepFacts): string {
  return table === null ? title : `${table}: ${title}`;
}

/** An event in words; undefined where it has no line at this level. */
export function describe(event: RunEvent, level: Level): string | undefined {
  const verbose = atLeast(level, "verbose");
  switch (event.kind) {
    case "notice":
      return `note: ${event.text}`;
    case "stage-started":
      return `${event.stage}: ${event.title} (${counted(event.steps.length, "step")})${event.resumed ? ", going on where it stopped" : ""}`;
    case "backup-started":
      return `${event.stage}: backing up`;
    case "backup-finished":
      return `${event.stage}: backed up to ${event.folder} (${formatBytes(event.bytes)}), ${event.tag}`;
    case "backup-progress":
      return verbose ? `  ${dumpFacts(event)}` : undefined;
    case "step-started":
      return verbose ? `  ${about(event.step)}: begins` : undefined;
    case "step-progress":
      return event.done === event.total
        ? `  ${about(event.step)}: ${formatCount(event.rows)} rows in ${formatCount(event.total)} pages`
        : undefined;
    case "step-waiting":
      return `  ${about(event.step)}: waiting (${event.attempt}): ${event.reason}`;
    case "step-failed":
      return `  ${about(event.step)}: ${event.code === "INTERRUPTED" ? "stopped" : "failed"}`;
    case "step-applied":
      return `  ${about(event.step)} ${formatDuration(event.milliseconds)}`;
    case "step-verified":
      return verbose ? event.claims.map((claim) => `    holds: ${claim}`).join("\n") : undefined;
    case "gate-started":
      return verbose ? `  ${about(event.step)}: ${event.gate} begins, ${event.when} it` : undefined;
    case "gate-finished":
      return `  ${about(event.step)}: ${event.gate} ${event.holds ? "holds" : "does not hold"} ${event.when} it ${formatDuration(event.milliseconds)}`;
    case "proof-started":
      return `${event.stage}: verifying`;
    case "proof-progress":
      return `  ${event.stage}: ${event.tables} of ${counted(event.ofTables, "table")} tried`;
    case "stage-verified":
      // It is a result, which is shown as one.
      return undefined;
    case "stage-applied":
      return describeApplied(event);
    case "stage-failed":
      return event.code === "INTERRUPTED"
        ? `${event.stage}: stopped: ${event.message}`
        : `${event.stage}: failed: ${event.message}`;
    case "rollback-started":
      return `${event.stage}: rolling back ${counted(event.steps.length, "step")}`;
    case "step-undone":
      return `  undone: ${about(event.step)} ${formatDuration(event.milliseconds)}`;
    case "rollback-finished":
      return event.fingerprint === "equal"
        ? `${event.stage}: rolled back; the schema's fingerprint is the one from before`
        : `${event.stage}: rolled back; the schema differs from before in ${event.differences.length} objects`;
    case "interrupted":
      return event.cancels
        ? "cancelling the statement under way: the server rolls it back, what was committed stays"
        : "stopping when the statement under way has ended; again (Ctrl-C) to cancel it";
    case "statement":
      return describeStatement(event);
    default:
      return event satisfies never;
  }
}

/** Both that the fence holds, and what was open around it before and still is. */
function describeApplied(event: Extract<RunEvent, { kind: "stage-applied" }>): string {
  const { stage, milliseconds, claims, around } = event;
  const said = `${stage}: applied and verified in ${formatDuration(milliseconds)}; the fence holds (${claims.hold} of ${claims.of})`;
  const ways = Object.values(around).reduce((sum, count) => sum + count, 0);
  if (ways === 0) return said;
  return `${said}; ${counted(ways, "way")} around it ${ways === 1 ? "was" : "were"} there before: ${listCounts(around)}`;
}

function describeStatement(statement: Extract<RunEvent, { kind: "statement" }>): string {
  const { session, text, values = [], milliseconds, failedWith } = statement;
  const failed = failedWith === null ? "" : `, failed with ${failedWith}`;
  const parameters = values.map((value, index) => `    $${index + 1} = ${JSON.stringify(value)}`);
  const body = text.split("\n").map((line) => `    ${line}`);
  return [
    `  sql (${session}) ${formatDuration(milliseconds)}${failed}`,
    ...body,
    ...parameters,
  ].join("\n");
}
