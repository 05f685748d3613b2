import type { CheckResult, StageVerification } from "../../events/events.ts";
import { violationText } from "../../events/violation-lines.ts";
import type { StageName } from "../../steps/model/stage.ts";

/** A verification as JUnit's XML, which most CI systems read: a suite a part, a test case a claim. */
export function junitReport(stage: StageName, verification: StageVerification): string {
  const suites = [
    suite(`${stage}: what its steps made`, `${stage}.checks`, verification.checks),
    suite(`${stage}: isolation`, `${stage}.isolation`, verification.isolation),
    suite(`${stage}: success criteria`, `${stage}.criteria`, verification.criteria),
  ];
  const document = element("testsuites", { name: "tenantry" }, suites.join(""));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${document}\n`;
}

function suite(name: string, classname: string, results: readonly CheckResult[]): string {
  const failures = results.filter(({ violations }) => violations.length > 0).length;
  const cases = results.map((result) => {
    const { claim, violations } = result;
    const failure =
      violations.length === 0
        ? ""
        : element("failure", { message: contradicted(violations) }, escaped(violationText(result)));
    return element("testcase", { name: claim, classname }, failure);
  });
  const counts = { tests: String(results.length), failures: String(failures), errors: "0" };
  return element("testsuite", { name, ...counts }, cases.join(""));
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
