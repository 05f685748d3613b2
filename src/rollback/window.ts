import { z } from "zod";
import { compareFingerprints, describeDifference } from "../catalog/fingerprint/fingerprint.ts";
import { readSnapshot } from "../catalog/snapshot.ts";
import { AppError } from "../errors.ts";
import { type Run, readFingerprintAfter } from "../journal/journal.ts";
import type { Session } from "../postgres/connection.ts";
import { ident, type Sql, sql } from "../postgres/sql.ts";
import type { RunName } from "../steps/model/stage.ts";
import { refuseForeignDependents } from "./dependents.ts";
import { refusedGuards } from "./guards.ts";

/** What a rollback would lose of one kind. */
export type Loss = {
  readonly stage: RunName;
  /** What it is, in words: `customers`. */
  readonly of: string;
  readonly count: number;
  /** The first of them, a text each. */
  readonly some: readonly string[];
  /** Whether the rollback saves it first, so that it can be restored. */
  readonly saved: boolean;
  /** All of it, a row each, for an export. */
  readonly rows: Sql;
};

/** Whether runs can still be rolled back, and what that would lose. */
export type Window = {
  /** Why a rollback would be refused: guards, and objects of others. */
  readonly refusals: readonly string[];
  readonly losses: readonly Loss[];
  /** What somebody changed since the last run was applied: it would stay different. */
  readonly differences: readonly string[];
};

/** Asks what a rollback of these runs would be refused for, and what it would lose. It only reads. */
export async function readWindow(session: Session, runs: readonly Run[]): Promise<Window> {
  const refusals = [
    ...(await refusedDependents(session, runs)),
    ...(await refusedGuards(session, runs)),
  ];
  const losses: Loss[] = [];
  for (const asked of runs.flatMap(lossesOf)) {
    const loss = await counted(session, asked);
    if (loss.count > 0) losses.push(loss);
  }
  return { refusals, losses, differences: await changedSince(session, runs) };
}

async function refusedDependents(
  session: Session,
  runs: readonly Run[],
): Promise<readonly string[]> {
  try {
    await refuseForeignDependents(session, runs);
    return [];
  } catch (error) {
    if (error instanceof AppError && error.code === "ROLLBACK_REFUSED") return error.details;
    throw error;
  }
}

type AskedLoss = Omit<Loss, "count" | "some">;

/** What the guards ask about, and what the inverses drop. The rows of each have a column `violation`. */
function lossesOf({ stage, guards, tenancy, fences, state }: Run): readonly AskedLoss[] {
  // Its steps may not have made the tables yet, or have dropped them already.
  if (state !== "applied") return [];
  const ofGuards = guards.flatMap(({ lost }) =>
    lost === undefined ? [] : [{ stage, ...lost, saved: false }],
  );
  if (stage === "day3") return ofGuards;
  const ownership = fences.map(({ relation, label }) => ({
    ...{ stage, of: `organizations of the rows of ${label}`, saved: true },
    rows: sql`
      SELECT ${ident(tenancy.column)} AS organization,
             count(*) AS rows,
             format('%s rows of organization %s', count(*), ${ident(tenancy.column)}) AS violation
        FROM ${ident(relation)}
       GROUP BY 1
    `,
  }));
  if (stage !== "day1") return [...ofGuards, ...ownership];
  const organizations = sql`
    SELECT o.*,
           format('%s (%s)', o.slug, o.name) AS violation
      FROM ${ident(tenancy.organizations)} o
  `;
  const memberships = sql`
    SELECT m.*,
           format('user %s is %s of %s', m.user_id, m.role, m.organization_id) AS violation
      FROM ${ident(tenancy.memberships)} m
  `;
  return [
    ...ofGuards,
    { stage, of: "organizations", saved: true, rows: organizations },
    { stage, of: "memberships", saved: true, rows: memberships },
    ...ownership,
  ];
}

async function counted(session: Session, asked: AskedLoss): Promise<Loss> {
  const [found] = await session.rows(
    sql`
      WITH lost AS (${asked.rows})
      SELECT (SELECT count(*) FROM lost) AS count,
             ARRAY(SELECT violation FROM lost ORDER BY violation LIMIT 5) AS some
    `,
    z.object({ count: z.coerce.number(), some: z.array(z.string()) }),
  );
  return { ...asked, count: found?.count ?? 0, some: found?.some ?? [] };
}

/** The differences from the schema that the last of the runs left. */
async function changedSince(session: Session, runs: readonly Run[]): Promise<readonly string[]> {
  const last = runs.find(({ state }) => state === "applied");
  if (last === undefined) return [];
  const after = await readFingerprintAfter(session, last.id);
  if (after === undefined) return [];
  const { fingerprint } = await readSnapshot(session);
  return compareFingerprints(after, fingerprint).map(describeDifference);
}
