import type { Finding } from "../../events/finding.ts";
import { counted } from "../../number-formats.ts";
import { colorsFor } from "./colors.ts";
import { withName, wrapped } from "./wrap.ts";

type Shown = Finding & {
  /** Why it was left as it is. */
  readonly reason?: string;
};

const serious: readonly Finding["severity"][] = ["blocking", "critical", "error", "high"];

/**
 * Findings for people, in the order that they come in: of each check or rule its title and why it
 * matters once, then each object with its fix.
 * @param columns of the terminal; a fix that is a command or SQL stays one line, to be copied
 */
export function showFindings(
  findings: readonly Shown[],
  columns = process.stdout.columns ?? Number.POSITIVE_INFINITY,
): string {
  const groups = new Map<string, Shown[]>();
  for (const finding of findings) {
    const key = `${finding.id} ${finding.severity} ${finding.why}`;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()].map((group) => showGroup(group, columns)).join("");
}

/** Findings that no stage ends, before the stages: a line each, and what Day 3 demands of them. */
export function showAround(
  findings: readonly Finding[],
  columns = process.stdout.columns ?? Number.POSITIVE_INFINITY,
): string {
  if (findings.length === 0) return "";
  const pc = colorsFor(process.stdout);
  const counts = `${counted(findings.length, "way")} around the fence that no stage closes`;
  const demand =
    "Day 3's verification fails until each is fixed, hardened or accepted (tenantry audit has the SQL):";
  return [
    pc.bold(`! ${counts}`),
    wrapped(demand, columns, "  "),
    ...findings.map(({ id, object, fact, hardening }) => {
      const setting = hardening === undefined ? "" : `; ${hardening} would end it`;
      return `  ${wrapped(`${id}: ${object}: ${fact}${setting}`, columns, "    ").trimStart()}`;
    }),
    "",
    "",
  ].join("\n");
}

function showGroup(group: readonly Shown[], columns: number): string {
  const [first] = group;
  if (first === undefined) return "";
  const pc = colorsFor(process.stdout);
  const mark = serious.includes(first.severity) ? pc.red("✘") : pc.yellow("!");
  const headed = wrapped(`${first.severity}: ${first.title}`, columns, "  ").trimStart();
  return [
    `${mark} ${withName(headed, first.id, columns, pc)}`,
    pc.dim(wrapped(first.why, columns, "  ")),
    ...group.flatMap((finding) => showOne(finding, columns)),
    "",
    "",
  ].join("\n");
}

function showOne({ object, fact, fix, place, reason, accepted }: Shown, columns: number): string[] {
  const pc = colorsFor(process.stdout);
  const where = place === undefined ? object : `${place.file}:${place.line}`;
  const what = place === undefined ? fact : `${object}: ${fact}`;
  const separator = place === undefined ? ":" : "";
  const said = wrapped(`${where}${separator} ${what}`, columns, "      ").trimStart();
  // Code is fixed by hand, in words; SQL and commands are copied.
  const fixed = place === undefined ? fix : wrapped(fix, columns, "        ").trimStart();
  return [
    `  ${said.startsWith(where) ? pc.bold(where) + said.slice(where.length) : said}`,
    ...(accepted === undefined
      ? []
      : [pc.dim(`      accepted until ${accepted.until}: ${accepted.reason}`)]),
    ...(reason === undefined ? [] : [wrapped(`left as it is: ${reason}`, columns, "      ")]),
    `      → ${fixed}`,
  ];
}
