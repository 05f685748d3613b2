import { allResults, type Listener, type RunEvent, type StepFacts } from "./events.ts";
import { section } from "./results.ts";
import { formatBytes, formatDuration } from "./units.ts";

/** One line an event, for pipes, logs and CI. */
export function lineReporter(write: (line: string) => void): Listener {
  return (event) => {
    const line = describe(event);
    if (line !== undefined) write(line);
  };
}

function about({ table, title }: StepFacts): string {
  return table === undefined ? title : `${table}: ${title}`;
}

/** An event in words; undefined for what is too frequent to be a line of its own. */
export function describe(event: RunEvent): string | undefined {
  switch (event.kind) {
    case "notice":
      return `note: ${event.text}`;
    case "stage-started":
      return `${event.stage}: ${event.title} (${event.steps.length} steps)${event.resumed ? ", going on where it stopped" : ""}`;
    case "backup-started":
      return `${event.stage}: backing up`;
    case "backup-finished":
      return `${event.stage}: backed up to ${event.folder} (${formatBytes(event.bytes)}), ${event.tag}`;
    case "backup-progress":
    case "step-started":
      return undefined;
    case "step-progress":
      return event.done === event.total
        ? `  ${about(event.step)}: ${event.rows} rows in ${event.total} pages`
        : undefined;
    case "step-waiting":
      return `  ${about(event.step)}: waiting (${event.attempt}): ${event.reason}`;
    case "step-applied":
      return `  ${about(event.step)} ${formatDuration(event.milliseconds)}`;
    case "step-verified":
      return undefined;
    case "proof-started":
      return `${event.stage}: verifying`;
    case "stage-verified": {
      const results = allResults(event.verification);
      const held = results.filter(({ violations }) => violations.length === 0).length;
      const criteria = section("The plan's success criteria", event.verification.criteria);
      return `${event.stage}: ${held} of ${results.length} claims hold\n${criteria}`.trimEnd();
    }
    case "stage-applied":
      return `${event.stage}: applied and verified in ${formatDuration(event.milliseconds)}`;
    case "stage-failed":
      return `${event.stage}: failed: ${event.message}`;
    case "rollback-started":
      return `${event.stage}: rolling back ${event.steps.length} steps`;
    case "step-undone":
      return `  undone: ${about(event.step)} ${formatDuration(event.milliseconds)}`;
    case "rollback-finished":
      return event.fingerprint === "equal"
        ? `${event.stage}: rolled back; the schema's fingerprint is the one from before`
        : `${event.stage}: rolled back; the schema differs from before in ${event.differences.length} objects`;
    default:
      return event satisfies never;
  }
}
