import path from "node:path";
import { stateOf } from "../code/fence.ts";
import { annotationRules, describe, type Finding } from "../code/findings.ts";
import type { Inventory } from "../code/inventory.ts";
import type { Project } from "../code/project.ts";
import type { Rule } from "../code/rule.ts";
import { rules } from "../code/rules/index.ts";
import type { Place } from "../code/syntax.ts";
import { sarifDocument } from "../report/sarif.ts";
import { version } from "../version.ts";

/** What the rules found, as SARIF 2.1.0. */
export function findingsSarif(project: Project, findings: readonly Finding[]): string {
  return sarifDocument({
    version,
    category: "code",
    rules: [...rules, ...annotationRules].map(described),
    results: findings.map(({ rule, place, what, fact, mend }) => ({
      ruleId: `tenantry/${rule.id}`,
      level: rule.level,
      message: { text: `${what}: ${fact}\n${mend}` },
      locations: [location(project, place)],
    })),
  });
}

/** The inventory as SARIF 2.1.0: nothing in it is a fault, so no result has a level. */
export function inventorySarif(inventory: Inventory): string {
  return sarifDocument({
    version,
    category: "code-inventory",
    rules: [{ id: "tenantry/inventory", shortDescription: { text: "Where tenants' data goes" } }],
    results: inventory.entries.map((entry) => ({
      ruleId: "tenantry/inventory",
      kind: "informational",
      level: "none",
      message: { text: `${describe(entry)}: ${stateOf(entry, inventory)}` },
      locations: [location(inventory.project, entry.place)],
    })),
  });
}

function described({ id, title, why, level }: Pick<Rule, "id" | "title" | "why" | "level">) {
  return {
    id: `tenantry/${id}`,
    shortDescription: { text: title },
    fullDescription: { text: why },
    defaultConfiguration: { level },
  };
}

function location(project: Project, { file, line, column }: Place) {
  return {
    physicalLocation: {
      artifactLocation: { uri: encodeURI(shownPath(project, file)) },
      region: { startLine: line, startColumn: column },
    },
  };
}

/** A file's path from where the command is run, as CI shows it. */
export function shownPath({ folder }: Project, file: string): string {
  return path.relative(process.cwd(), path.join(folder, file)).split(path.sep).join("/");
}
