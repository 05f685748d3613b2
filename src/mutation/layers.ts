import { audit } from "../audit/audit.ts";
import type { Layer } from "../audit/mutants.ts";
import { rules } from "../audit/rules/index.ts";
import type { FenceState } from "../catalog/fence/state.ts";
import type { Settings } from "../config/settings.ts";
import type { Run } from "../journal/journal.ts";
import { driftSince } from "../verify/drift/drift.ts";
import { prove } from "../verify/stage.ts";

/** The findings of the audit's rules. */
export const auditLayer: Layer = {
  name: "audit",
  findings: async (session, context) => {
    const found = await session.transaction((queries) => audit(queries, context, rules));
    return found.map(({ id, object, fact }) => `${id}: ${object}: ${fact}`);
  },
};

/** The findings of the proof: a stage's personas on each table, and all attacks. */
export function proofLayer(settings: Settings, run: Run): Layer {
  return {
    name: "proof",
    findings: async (session) => {
      const tried = await prove(session, settings, run, "and around it");
      // What could not be tried any more is noticed, too: it fails a verification.
      return tried.flatMap(({ claim, violations, unproven = [] }) =>
        [...violations, ...unproven.map(({ what }) => what)].map((what) => `${claim}: ${what}`),
      );
    },
  };
}

/** What changed of what the fence stands on since the last stage. */
export function driftLayer(settings: Settings, left: FenceState): Layer {
  return {
    name: "drift",
    findings: async (session) => {
      const { findings, unproven } = await driftSince(session, settings, left);
      return [...findings.map(({ object, fact }) => `${object}: ${fact}`), ...unproven];
    },
  };
}
