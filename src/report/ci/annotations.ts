import { allResults, type StageVerification } from "../../events/events.ts";
import { violationText } from "../../events/violation-lines.ts";
import type { StageName } from "../../steps/model/stage.ts";

/** What does not hold, as GitHub's workflow commands: it shows them at the run and the pull request. */
export function githubAnnotations(stage: StageName, verification: StageVerification): string {
  return allResults(verification)
    .filter(({ violations }) => violations.length > 0)
    .map((result) => {
      const message = `${result.claim}\n${violationText(result)}`;
      return workflowCommand("error", { title: `${stage} does not hold` }, message);
    })
    .join("");
}

/** One of GitHub's workflow commands: where it is of a place in a file, it is shown there. */
export function workflowCommand(
  level: "error" | "warning",
  properties: Readonly<Record<string, string | number>>,
  message: string,
): string {
  const said = Object.entries(properties)
    .map(([name, value]) => `${name}=${escapedProperty(String(value))}`)
    .join(",");
  return `::${level} ${said}::${escaped(message)}\n`;
}

function escaped(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapedProperty(text: string): string {
  return escaped(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
