import { readSnapshot } from "../catalog/snapshot.ts";
import type { Settings } from "../config/settings.ts";
import { today } from "../config/today.ts";
import type { Finding } from "../events/finding.ts";
import type { Session } from "../postgres/connection.ts";
import type { StageName } from "../steps/model/stage.ts";
import { audit, judge } from "./audit.ts";
import { auditContext } from "./context.ts";
import { endOf, hardeningFor } from "./endings.ts";
import { rules } from "./rules/index.ts";

/**
 * What the audit finds in the catalog, with what the configuration accepts of it, and what stages that
 * are not applied yet will end.
 * @throws AppError AUDIT_IMPOSSIBLE when the server has none of the roles that requests run as
 */
export async function readFindings(
  session: Session,
  settings: Settings,
  ahead: readonly StageName[],
): Promise<readonly Finding[]> {
  const context = auditContext(settings, await readSnapshot(session));
  const found = await session.transaction(
    (queries) => audit(queries, context, rules),
    "read only snapshot",
  );
  return judge(found, settings.audit.accepted, today()).map((finding): Finding => {
    const end = endOf(finding, settings);
    if (end !== undefined && ahead.includes(end)) {
      return { ...finding, due: { stage: end, decision: false } };
    }
    const hardening = hardeningFor(finding);
    return hardening === undefined ? finding : { ...finding, hardening };
  });
}
