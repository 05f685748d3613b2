import { stages } from "../../stages/index.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { askChecks } from "../check/ask.ts";
import { checks } from "../check/index.ts";
import { preflightError } from "../check/refuse.ts";
import { AppError } from "../errors.ts";
import { readRuns } from "../journal/journal.ts";
import type { Queries } from "../postgres/connection.ts";
import type { Stage, StageName } from "../steps/stage.ts";
import type { GlobalOptions } from "./options.ts";
import { showFindings } from "./show-findings.ts";
import { type Workplace, withWorkplace } from "./workplace.ts";

export type CheckOptions = GlobalOptions & { readonly stage?: StageName | undefined };

/**
 * `tenantry check`: all that would bite, looked at before anything is touched.
 * @throws AppError PREFLIGHT_FAILED where something stands in the way
 */
export function check(options: CheckOptions): Promise<void> {
  return withWorkplace(options, (workplace) => checkIn(workplace, options));
}

/** The same in a workplace that is open already. */
export async function checkIn(
  workplace: Workplace,
  { stage }: Pick<CheckOptions, "stage">,
): Promise<void> {
  const { findings, place } = await lookAhead(workplace, stage);
  const { database } = place.snapshot.server;
  const shown = { database, findings, asked: checks.length };
  await workplace.output.show({ kind: "check", ...shown }, () =>
    showFindings(shown, process.stdout.columns ?? 80),
  );
  const error = preflightError(findings, place);
  if (error !== undefined) throw error;
}

/** What would bite from here on, in a line. */
export async function dangers(workplace: Workplace): Promise<string> {
  const { findings } = await lookAhead(workplace, undefined);
  const blocking = findings.filter(({ severity }) => severity === "blocking").length;
  const names = [...new Set(findings.map((finding) => finding.check))].join(", ");
  return findings.length === 0
    ? "danger: none of the checks finds any"
    : `danger: ${blocking} blocking, ${findings.length - blocking} advisory (${names}): tenantry check says what mends them`;
}

async function lookAhead(
  { session, target, settings, folder }: Workplace,
  stage: StageName | undefined,
) {
  const snapshot = await readSnapshot(session);
  const ahead = await stagesAhead(session, stage);
  const place = { target, snapshot, settings, folder, stages: ahead };
  return { findings: await askChecks(checks, session, place), place };
}

/** The stages that are still to be begun: of those under way, the plan is journaled already. */
async function stagesAhead(
  queries: Queries,
  named: StageName | undefined,
): Promise<readonly Stage[]> {
  const begun = await stagesBegun(queries);
  return stages.filter(({ name }) => !begun.has(name) && (named === undefined || name === named));
}

async function stagesBegun(queries: Queries): Promise<ReadonlySet<StageName>> {
  try {
    const runs = await readRuns(queries);
    return new Set(runs.filter(({ state }) => state !== "rolled back").map(({ stage }) => stage));
  } catch (error) {
    // One of the checks says so, among the others.
    if (error instanceof AppError && error.code === "JOURNAL_INCOMPATIBLE") return new Set();
    throw error;
  }
}
