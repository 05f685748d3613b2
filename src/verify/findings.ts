import { audit, judge } from "../audit/audit.ts";
import { auditContext } from "../audit/context.ts";
import { rules } from "../audit/rules/index.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import type { Settings } from "../config/settings.ts";
import { today } from "../config/today.ts";
import { concerns } from "../events/concerns.ts";
import type { CheckResult, Evidence } from "../events/events.ts";
import type { Finding } from "../events/finding.ts";
import type { Session } from "../postgres/connection.ts";

/** Where no rule of the audit finds anything: a function may return something else than it did. */
const unknown =
  "-- no rule of the audit has a fix for it: tenantry audit --drift lists what was changed since the stage";

/** What the audit finds in the catalog, with what the configuration accepts of it. */
export async function readFindings(
  session: Session,
  settings: Settings,
): Promise<readonly Finding[]> {
  const context = auditContext(settings, await readSnapshot(session));
  const found = await session.transaction(
    (queries) => audit(queries, context, rules),
    "read only snapshot",
  );
  return judge(found, settings.audit.accepted, today());
}

/** The results, with the SQL by which the audit fixes each object that something got through to. */
export function withFixes(
  results: readonly CheckResult[],
  findings: readonly Finding[],
): readonly CheckResult[] {
  const fixed = (one: Evidence): Evidence => {
    const own = findings.filter((finding) => concerns(finding, one.object)).map(({ fix }) => fix);
    // Fixes that begin with a comment (a foreign key, say) are for findings that let no row through.
    const statements = own.filter((fix) => !fix.startsWith("--"));
    return { ...one, fix: statements.length === 0 ? [unknown] : statements };
  };
  return results.map((result) =>
    result.evidence === undefined ? result : { ...result, evidence: result.evidence.map(fixed) },
  );
}
