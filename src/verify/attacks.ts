import type { Settings } from "../config/settings.ts";
import {
  isConnectionLoss,
  isLockConflict,
  type Session,
  sqlState,
} from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";
import type { CheckResult } from "../report/events.ts";
import type { Tenancy } from "../steps/tenancy.ts";
import { blocked } from "./blocked.ts";
import { tryCachedPlans } from "./cached-plans.ts";
import { tryEffects } from "./effects.ts";
import { type Ground, setGround } from "./ground.ts";
import { thenUndo, untilUnlocked } from "./impersonation.ts";
import { tryInterference } from "./interference.ts";
import { tryMemberships } from "./memberships.ts";
import { tryRelationsBeside } from "./relations-beside.ts";
import { trySharedTables } from "./shared-tables.ts";
import { tryStorage } from "./storage.ts";
import { tryStrangers } from "./strangers.ts";
import type { Fence } from "./trial.ts";
import type { Tried } from "./writing.ts";

/** A way in which somebody may get at others' rows, tried on all fenced tables at once. */
type Attack = {
  readonly claim: string;
  readonly try: (ground: Ground) => Promise<Tried>;
};

/** Those on the fence itself, and on what its policies ask. */
const onTheFence: readonly Attack[] = [
  {
    claim: "strangers see and delete nobody's rows, whatever they say of themselves",
    try: tryStrangers,
  },
  { claim: "members change no membership and no organization", try: tryMemberships },
  { claim: "a prepared statement answers each user with their own rows", try: tryCachedPlans },
  { claim: "legal writes have no effect on others' rows", try: tryEffects },
];

/** Those on what stands beside it: it may have been there before the fence was. */
const aroundTheFence: readonly Attack[] = [
  { claim: "no other relation shows others' rows", try: tryRelationsBeside },
  { claim: "what a member can see and call does not depend on others' rows", try: tryInterference },
  { claim: "files of others are out of reach", try: tryStorage },
  { claim: "nobody writes what all share", try: trySharedTables },
];

/**
 * Tries every attack, each from the same ground: two organizations with a row each in every fenced
 * table. Everything is rolled back; what a rollback would not undo (setval, dblink, HTTP, volatile
 * functions, foreign tables) is not run.
 */
export async function tryAttacks(
  session: Session,
  settings: Settings,
  tenancy: Tenancy,
  fences: readonly Fence[],
  where: "on the fence" | "around the fence",
): Promise<CheckResult[]> {
  const attacks = where === "on the fence" ? onTheFence : aroundTheFence;
  try {
    return await untilUnlocked((turn) =>
      thenUndo(session, async (queries) => {
        const ground = await setGround(queries, settings, tenancy, fences, turn);
        const results: CheckResult[] = [];
        for (const attack of attacks) {
          results.push(
            "impossible" in ground
              ? { claim: attack.claim, violations: [`not tried: ${ground.impossible}`] }
              : await tryAttack(ground, attack),
          );
        }
        return results;
      }),
    );
  } catch (error) {
    if (isLockConflict(error)) throw blocked(`the attacks ${where}`, error);
    if (isConnectionLoss(error) || sqlState(error) === undefined) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const violations = [`could not be tried: ${reason}`];
    return attacks.map(({ claim }) => ({ claim, violations }));
  }
}

async function tryAttack(ground: Ground, attack: Attack): Promise<CheckResult> {
  const { queries } = ground;
  await queries.execute(sql`SAVEPOINT attack`);
  const { violations, remarks } = await attack.try(ground).catch((error: unknown): Tried => {
    const isRefusal = sqlState(error) !== undefined && !isLockConflict(error);
    if (!isRefusal || isConnectionLoss(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return { violations: [`could not be tried: ${reason}`], remarks: [] };
  });
  await queries.execute(sql`ROLLBACK TO SAVEPOINT attack`);
  const limits = remarks.length === 0 ? "" : ` (${[...new Set(remarks)].join("; ")})`;
  return { claim: `${attack.claim}${limits}`, violations };
}
