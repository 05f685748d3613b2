import { oncePerPolicy } from "../events/causes.ts";
import { concerns } from "../events/concerns.ts";
import type { Evidence } from "../events/evidence.ts";
import type { Finding } from "../events/finding.ts";
import type { CheckResult } from "../events/verification.ts";

/** Where no rule of the audit finds anything: a function may return something else than it did. */
const unknown =
  "-- no rule of the audit has a fix for it: tenantry audit --drift lists what was changed since the stage";

/** The results, with the SQL by which the audit fixes each object that something got through to. */
export function withFixes(
  results: readonly CheckResult[],
  findings: readonly Finding[],
): readonly CheckResult[] {
  const fixed = (one: Evidence): Evidence => {
    const own = findings.filter((finding) => concerns(finding, one.object)).map(({ fix }) => fix);
    // Fixes that begin with a comment (a foreign key, say) are for findings that let no row through.
    const statements = oncePerPolicy(own.filter((fix) => !fix.startsWith("--")));
    return { ...one, fix: statements.length === 0 ? [unknown] : statements };
  };
  return results.map((result) =>
    result.evidence === undefined ? result : { ...result, evidence: result.evidence.map(fixed) },
  );
}
