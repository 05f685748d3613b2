import { audit } from "../audit/audit.ts";
import type { Layer } from "../audit/mutants.ts";
import { rules } from "../audit/rules/index.ts";
import {
  compareFingerprints,
  describeDifference,
  type Fingerprint,
} from "../catalog/fingerprint.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import type { Settings } from "../config/settings.ts";
import type { Run } from "../journal/journal.ts";
import { tryIsolation } from "../verify/isolation.ts";

/** What the rules say of the catalog. */
export const auditLayer: Layer = {
  name: "audit",
  findings: async (session, context) => {
    const found = await session.transaction((queries) => audit(queries, context, rules));
    return found.map(({ rule, object, fact }) => `${rule}: ${object}: ${fact}`);
  },
};

/** What the personas of the applied stages can do, tried. */
export function proofLayer(settings: Settings, runs: readonly Run[]): Layer {
  const [first] = runs;
  if (first === undefined) throw new Error("the proof needs a stage that is applied");
  const fences = runs.flatMap((run) => run.fences);
  const personas = runs.find((run) => run.personas.length > 0)?.personas ?? [];
  return {
    name: "proof",
    findings: async (session) => {
      const tried = await tryIsolation(session, settings, first.tenancy, fences, personas);
      return tried.flatMap(({ claim, violations }) =>
        violations.map((violation) => `${claim}: ${violation}`),
      );
    },
  };
}

/** What is different from the schema that the last stage left. */
export function driftLayer(before: Fingerprint): Layer {
  return {
    name: "drift",
    findings: async (session) => {
      const { fingerprint } = await readSnapshot(session);
      return compareFingerprints(before, fingerprint).map(describeDifference);
    },
  };
}
