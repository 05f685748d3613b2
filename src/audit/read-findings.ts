import type { Snapshot } from "../catalog/snapshot.ts";
import type { Settings } from "../config/settings.ts";
import type { Finding } from "../events/finding.ts";
import type { Session } from "../postgres/connection.ts";
import { readCatalog } from "../postgres/read-catalog.ts";
import type { StageName } from "../steps/model/stage.ts";
import { audit, judge } from "./audit.ts";
import { auditContext } from "./context.ts";
import { endOf, hardeningFor } from "./endings.ts";
import type { AuditContext, Rule } from "./rule.ts";
import { definerFunction } from "./rules/functions/definer-function.ts";
import { rules } from "./rules/index.ts";

/** Reads the calls of functions in the application's code. */
export type ReadCalls = () => Promise<AuditContext["calls"]>;

type Asked = {
  readonly snapshot: Snapshot;
  /** The stages that are not applied yet. */
  readonly ahead: readonly StageName[];
  readonly readCalls?: ReadCalls;
};

/**
 * What the audit finds in the catalog, with what the configuration accepts of it, and what stages that
 * are not applied yet will end.
 * @throws AppError AUDIT_IMPOSSIBLE when the server has none of the roles that requests run as
 */
export async function readFindings(
  session: Session,
  settings: Settings,
  { snapshot, ahead, readCalls }: Asked,
): Promise<readonly Finding[]> {
  const context = auditContext(settings, snapshot);
  const ask = (asked: readonly Rule[], calls?: AuditContext["calls"]) =>
    readCatalog(session, (queries) => audit(queries, { ...context, calls }, asked));
  const first = await ask(rules);
  const { id } = definerFunction;
  // The application's code takes a second to read, and only proposals for functions need it.
  const found =
    readCalls !== undefined && first.some((finding) => finding.id === id)
      ? [
          ...(await ask([definerFunction], await readCalls())),
          ...first.filter((finding) => finding.id !== id),
        ]
      : first;
  return judge(found, settings.audit.accepted).map((finding): Finding => {
    const end = endOf(finding, settings, snapshot.relations);
    if (end !== undefined && ahead.includes(end)) {
      return { ...finding, due: { stage: end, decision: false } };
    }
    const hardening = hardeningFor(finding);
    return hardening === undefined ? finding : { ...finding, hardening };
  });
}
