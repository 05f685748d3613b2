import type { Finding } from "../../events/finding.ts";
import { type CheckResult, type StageVerification, stateOf } from "../../events/verification.ts";
import { violationText } from "../../events/violation-lines.ts";
import type { StageName } from "../../steps/model/stage.ts";

/**
 * A verification as JUnit's XML, which most CI systems read: a suite a part, a test case a claim or a
 * finding. What could not be tried is an error, which fails too.
 */
export function junitReport(stage: StageName, verification: StageVerification): string {
  const suites = [
    suite(`${stage}: what its steps made`, `${stage}.checks`, verification.checks),
    suite(`${stage}: isolation`, `${stage}.isolation`, verification.isolation),
    suite(`${stage}: success criteria`, `${stage}.criteria`, verification.criteria),
    findingSuite(stage, verification.findings),
  ];
  const document = element("testsuites", { name: "tenantry" }, suites.join(""));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${document}\n`;
}

function suite(name: string, classname: string, results: readonly CheckResult[]): string {
  const states = results.map(stateOf);
  const cases = results.map((result) =>
    element("testcase", { name: result.claim, classname }, outcomeOf(result)),
  );
  const counts = {
    tests: String(results.length),
    failures: String(states.filter((state) => state === "fails").length),
    errors: String(states.filter((state) => state === "not proven").length),
  };
  return element("testsuite", { name, ...counts }, cases.join(""));
}

function outcomeOf(result: CheckResult): string {
  const state = stateOf(result);
  const text = escaped(violationText(result));
  switch (state) {
    case "holds":
      return "";
    case "fails":
      return element("failure", { message: contradicted(result.violations) }, text);
    case "not proven":
      return element("error", { message: "could not be tried in full" }, text);
    default:
      return state satisfies never;
  }
}

/** A case for each finding: it fails unless it is accepted, or a later stage ends it. */
function findingSuite(stage: StageName, findings: readonly Finding[]): string {
  if (findings.length === 0) return "";
  const isOpen = ({ accepted, due }: Finding) => accepted === undefined && due === undefined;
  const cases = findings.map((finding) => {
    const { id, object, fact, fix, due } = finding;
    const told = isOpen(finding)
      ? element("failure", { message: fact }, escaped(fix))
      : element("skipped", { message: due === undefined ? "accepted" : `for ${due.stage}` }, "");
    const name = `${id}: ${object}`;
    return element("testcase", { name, classname: `${stage}.findings` }, told);
  });
  const counts = {
    tests: String(findings.length),
    failures: String(findings.filter(isOpen).length),
    errors: "0",
  };
  return element("testsuite", { name: `${stage}: findings`, ...counts }, cases.join(""));
}

function contradicted(violations: readonly string[]): string {
  return violations.length === 1
    ? "1 row contradicts it"
    : `${violations.length} rows contradict it`;
}

/** @param content XML already */
function element(
  name: string,
  attributes: Readonly<Record<string, string>>,
  content: string,
): string {
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  return `<${name}${given.join("")}>${content}</${name}>`;
}

function escaped(text: string): string {
  return (
    [...text]
      // XML has no way to write most control characters, nor half a surrogate pair.
      .map((character) => (isAllowed(character.codePointAt(0) ?? 0) ? character : "\uFFFD"))
      .join("")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
      // A line break in an attribute would be read as a space.
      .replaceAll("\n", "&#10;")
  );
}

function isAllowed(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return code < 0xd800 || (code > 0xdfff && code !== 0xfffe && code !== 0xffff);
}
