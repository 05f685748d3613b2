import {
  type CodeCheck,
  type CodeInventory,
  codeRules,
  pathFrom,
} from "../../../operations/code/check-code.ts";
import { sarifDocument } from "../../../report/ci/sarif.ts";
import { version } from "../../../version.ts";

/** What the rules found, as SARIF 2.1.0. */
export function findingsSarif({ folder, findings }: CodeCheck): string {
  return sarifDocument({
    version,
    category: "code",
    rules: codeRules.map(({ id, title, why, level }) => ({
      id: `tenantry/${id}`,
      shortDescription: { text: title },
      fullDescription: { text: why },
      defaultConfiguration: { level },
    })),
    results: findings.map(({ id, severity, place, object, fact, fix }) => ({
      ruleId: `tenantry/${id}`,
      level: severity,
      message: { text: `${object}: ${fact}\n${fix}` },
      locations: [location(folder, place)],
    })),
  });
}

/** The inventory as SARIF 2.1.0: its entries are not findings, so no result has a level. */
export function inventorySarif({ folder, entries }: CodeInventory): string {
  return sarifDocument({
    version,
    category: "code-inventory",
    rules: [{ id: "tenantry/inventory", shortDescription: { text: "Where tenants' data goes" } }],
    results: entries.map((entry) => ({
      ruleId: "tenantry/inventory",
      kind: "informational",
      level: "none",
      message: { text: `${entry.summary}: ${entry.state}` },
      locations: [location(folder, entry)],
    })),
  });
}

function location(
  folder: string,
  { file, line, column }: { readonly file: string; readonly line: number; readonly column: number },
) {
  return {
    physicalLocation: {
      artifactLocation: { uri: encodeURI(pathFrom(process.cwd(), folder, file)) },
      region: { startLine: line, startColumn: column },
    },
  };
}
