import type { StageName } from "../steps/stage.ts";
import { allResults, type StageVerification } from "./events.ts";

/** What does not hold, as GitHub's workflow commands: it shows them at the run and the pull request. */
export function githubAnnotations(stage: StageName, verification: StageVerification): string {
  return allResults(verification)
    .filter(({ violations }) => violations.length > 0)
    .map(({ claim, violations }) => {
      const title = escapedProperty(`${stage} does not hold`);
      return `::error title=${title}::${escaped([claim, ...violations].join("\n"))}\n`;
    })
    .join("");
}

function escaped(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapedProperty(text: string): string {
  return escaped(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
