import type { CheckResult, StageVerification } from "../../events/events.ts";
import { violationText } from "../../events/violation-lines.ts";
import type { StageName } from "../../steps/model/stage.ts";

const rules = {
  checks: "What a step made is as the step left it",
  isolation: "No organization's user reaches another organization's rows",
  criteria: "The plan's success criteria hold",
} as const;

/**
 * What does not hold of a stage, as SARIF 2.1.0 for code scanning.
 * @param configuration the path that findings are shown at, from the repository's root
 */
export function sarifReport(
  verification: StageVerification,
  facts: { readonly stage: StageName; readonly version: string; readonly configuration: string },
): string {
  const parts = (["checks", "isolation", "criteria"] as const).flatMap((part) =>
    verification[part]
      .filter(({ violations }) => violations.length > 0)
      .map((result) => finding(`tenantry/${part}`, result, facts)),
  );
  return sarifDocument({
    version: facts.version,
    category: facts.stage,
    rules: Object.entries(rules).map(([part, text]) => ({
      id: `tenantry/${part}`,
      shortDescription: { text },
      defaultConfiguration: { level: "error" },
    })),
    results: parts,
  });
}

type SarifFacts = {
  readonly version: string;
  /** What was asked: alerts of one category do not close those of another. */
  readonly category: string;
  readonly rules: readonly object[];
  readonly results: readonly object[];
};

/** SARIF 2.1.0 around the results of one run. */
export function sarifDocument({ version, category, rules, results }: SarifFacts): string {
  const report = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "Tenantry", semanticVersion: version, rules } },
        automationDetails: { id: `tenantry/${category}/` },
        results,
      },
    ],
  };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

function finding(
  ruleId: string,
  result: CheckResult,
  { stage, configuration }: { readonly stage: StageName; readonly configuration: string },
) {
  const { claim } = result;
  return {
    ruleId,
    level: "error",
    message: { text: `${stage}: ${claim}\n${violationText(result)}` },
    locations: [
      {
        // A claim has no line of code: it is shown at the configuration that the stage is made of.
        physicalLocation: {
          artifactLocation: { uri: encodeURI(configuration) },
          region: { startLine: 1 },
        },
        logicalLocations: [{ fullyQualifiedName: `${stage}/${claim}` }],
      },
    ],
    // So that the same claim is the same alert tomorrow, whatever rows contradict it then.
    partialFingerprints: { "claim/v1": `${stage}/${ruleId}/${claim}` },
  };
}
