import { stateOf } from "../code/fence.ts";
import { type Finding, findingsOf } from "../code/findings.ts";
import { takeInventory } from "../code/inventory.ts";
import { openProject, type Project } from "../code/project.ts";
import { findingRow } from "../code/rows.ts";
import { AppError } from "../errors.ts";
import { workflowCommand } from "../report/annotations.ts";
import { colorsFor } from "../report/colors.ts";
import { counted } from "../report/units.ts";
import { withName, wrapped } from "../report/wrap.ts";
import { type CodeOptions, withCode } from "./code-place.ts";
import { findingsSarif, shownPath } from "./code-sarif.ts";
import { writeReport } from "./write-report.ts";

/**
 * `tenantry code check`: the guard for CI.
 * @throws AppError CODE_UNFENCED where a rule finds an error
 */
export function checkCode(options: CodeOptions): Promise<void> {
  return withCode(options, async ({ settings, folder, output }) => {
    const inventory = takeInventory(openProject(settings, folder));
    const { project } = inventory;
    const findings = findingsOf(inventory);
    const chains = inventory.entries.filter((entry) => entry.kind === "chain");
    const fenced = chains.filter((chain) => stateOf(chain, inventory) === "fenced");
    const counts = {
      files: project.files.length,
      chains: chains.length,
      fenced: fenced.length,
    };
    await output.show(
      { kind: "code-check", ...counts, findings: findings.map(findingRow) },
      () =>
        `${showFindings(findings)}${counts.chains === 1 ? "1 query" : `${counts.chains} queries`} in ${counted(counts.files, "file")}, ${counts.fenced} fenced: ${summary(findings)}\n`,
    );
    if (process.env["GITHUB_ACTIONS"] === "true" && !options.json)
      process.stdout.write(findings.map((finding) => annotation(project, finding)).join(""));
    if (options.sarif !== undefined)
      await writeReport(options.sarif, findingsSarif(project, findings));
    const errors = findings.filter(({ rule }) => rule.level === "error");
    if (errors.length === 0) return;
    throw new AppError({
      code: "CODE_UNFENCED",
      object: project.folder,
      fault: summary(findings),
      state: "nothing was changed",
      next: "tenantry code rewrite, or say why: // tenantry: all-organizations because …",
    });
  });
}

/** How many findings there are of each level. */
export function summary(findings: readonly Finding[]): string {
  const errors = findings.filter(({ rule }) => rule.level === "error").length;
  return `${counted(errors, "error")}, ${counted(findings.length - errors, "warning")}`;
}

/** By rule, errors first: why once, then each place with what mends it. */
export function showFindings(
  findings: readonly (Finding & { reason?: string })[],
  columns = process.stdout.columns ?? Number.POSITIVE_INFINITY,
): string {
  const pc = colorsFor(process.stdout);
  const rules = [...new Set(findings.map(({ rule }) => rule))];
  rules.sort((one, other) => rank(one.level) - rank(other.level));
  return rules
    .map((rule) => {
      const own = findings.filter((finding) => finding.rule === rule);
      const mark = rule.level === "error" ? pc.red("✘") : pc.yellow("!");
      const lines = own.flatMap(({ place, what, fact, mend, reason }) => {
        const where = `${place.file}:${place.line}`;
        const said = wrapped(`${where}  ${what}: ${fact}`, columns, "      ").trimStart();
        return [
          `  ${pc.bold(where)} ${said.slice(where.length).replace(/^ /, "")}`,
          ...(reason === undefined ? [] : [wrapped(`left as it is: ${reason}`, columns, "      ")]),
          `      → ${wrapped(mend, columns, "        ").trimStart()}`,
        ];
      });
      const title = withName(wrapped(rule.title, columns, "  ").trimStart(), rule.id, columns, pc);
      return [`${mark} ${title}`, pc.dim(wrapped(rule.why, columns, "  ")), ...lines, "", ""].join(
        "\n",
      );
    })
    .join("");
}

function rank(level: Finding["rule"]["level"]): number {
  return level === "error" ? 0 : 1;
}

function annotation(project: Project, { rule, place, what, fact, mend }: Finding): string {
  const file = shownPath(project, place.file);
  const properties = { file, line: place.line, col: place.column, title: rule.title };
  return workflowCommand(rule.level, properties, `${what}: ${fact}\n${mend}`);
}
