import {
  allResults,
  type StageVerification,
  standingOf,
  stateOf,
} from "../../events/verification.ts";
import { violationText } from "../../events/violation-lines.ts";
import type { StageName } from "../../steps/model/stage.ts";
import { type Configuration, lineOf, objectOf } from "./configuration.ts";

/**
 * What is not green, as GitHub's workflow commands: it shows them at the run, and at the line of the
 * configuration that names the table.
 */
export function githubAnnotations(
  stage: StageName,
  verification: StageVerification,
  configuration: Configuration,
): string {
  const error = (title: string, object: string, message: string) => {
    const place = { file: configuration.file, line: lineOf(configuration, object) };
    return workflowCommand("error", { ...place, title }, message);
  };
  const claims = allResults(verification).flatMap((result) => {
    const state = stateOf(result);
    if (state === "holds") return [];
    const title = `${stage} ${state === "fails" ? "does not hold" : "is not proven"}`;
    return [error(title, objectOf(result), `${result.claim}\n${violationText(result)}`)];
  });
  const findings = standingOf(verification).open.map(({ id, object, fact, fix }) =>
    error(`${stage}: ${id}`, object, `${object}: ${fact}\n${fix}`),
  );
  return [...claims, ...findings].join("");
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
