import type { Finding } from "../../events/finding.ts";
import {
  type CheckResult,
  type StageVerification,
  standingOf,
  stateOf,
} from "../../events/verification.ts";
import { violationText } from "../../events/violation-lines.ts";
import type { StageName } from "../../steps/model/stage.ts";
import { type Configuration, lineOf, objectOf } from "./configuration.ts";

const rules = {
  checks: "What a step made is as the step left it",
  isolation: "No organization's user reaches another organization's rows",
  criteria: "The plan's success criteria hold",
} as const;

type Facts = {
  readonly stage: StageName;
  readonly version: string;
  /** Where it is shown: at the line that names the table. */
  readonly configuration: Configuration;
};

/** What is not green of a stage, as SARIF 2.1.0 for code scanning. */
export function sarifReport(verification: StageVerification, facts: Facts): string {
  const { open } = standingOf(verification);
  const parts = (["checks", "isolation", "criteria"] as const).flatMap((part) =>
    verification[part]
      .filter((result) => stateOf(result) !== "holds")
      .map((result) => claimResult(`tenantry/${part}`, result, facts)),
  );
  const titles = new Map(open.map(({ id, title }) => [id, title]));
  return sarifDocument({
    version: facts.version,
    category: facts.stage,
    rules: [...Object.entries(rules), ...titles].map(([part, text]) => ({
      id: `tenantry/${part}`,
      shortDescription: { text },
      defaultConfiguration: { level: "error" },
    })),
    results: [...parts, ...open.map((finding) => findingResult(finding, facts))],
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

function claimResult(ruleId: string, result: CheckResult, { stage, configuration }: Facts) {
  const { claim } = result;
  const untried = stateOf(result) === "not proven" ? " (not proven)" : "";
  return {
    ruleId,
    level: "error",
    message: { text: `${stage}: ${claim}${untried}\n${violationText(result)}` },
    locations: locationsOf(configuration, objectOf(result), `${stage}/${claim}`),
    // So that the same claim is the same alert tomorrow, whatever rows contradict it then.
    partialFingerprints: { "claim/v1": `${stage}/${ruleId}/${claim}` },
  };
}

function findingResult({ id, object, fact, why, fix }: Finding, { stage, configuration }: Facts) {
  const ruleId = `tenantry/${id}`;
  return {
    ruleId,
    level: "error",
    message: { text: `${stage}: ${object}: ${fact}\n${why}\n${fix}` },
    locations: locationsOf(configuration, object, `${stage}/${object}`),
    partialFingerprints: { "claim/v1": `${stage}/${ruleId}/${object}` },
  };
}

/** A claim has no line of code: it is shown at the line of the configuration that names its table. */
function locationsOf(configuration: Configuration, object: string, fullyQualifiedName: string) {
  return [
    {
      physicalLocation: {
        artifactLocation: { uri: encodeURI(configuration.file) },
        region: { startLine: lineOf(configuration, object) },
      },
      logicalLocations: [{ fullyQualifiedName }],
    },
  ];
}
