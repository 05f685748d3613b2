import type { Settings } from "../../config/settings.ts";
import type { CheckResult } from "../../events/events.ts";
import {
  isConnectionLoss,
  isLockConflict,
  type Session,
  sqlState,
} from "../../postgres/connection.ts";
import { sql } from "../../postgres/sql.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";
import { blocked } from "../proof/blocked.ts";
import type { Fence } from "../proof/trial.ts";
import { thenUndo, untilUnlocked } from "../proof/undone.ts";
import { resultOf, violation } from "../proof/violation.ts";
import type { Tried } from "../proof/writing.ts";
import { readRoles } from "../roles/roles.ts";
import { tryCachedPlans } from "./cached-plans.ts";
import { tryEffects } from "./effects.ts";
import { type Ground, setGround } from "./ground.ts";
import { tryInterference } from "./interference.ts";
import { tryMemberships } from "./memberships.ts";
import { tryRealtime } from "./realtime.ts";
import { tryRelationsBeside } from "./relations-outside-the-proof.ts";
import { trySharedTables } from "./shared-tables.ts";
import { tryStorage } from "./storage.ts";
import { tryStrangers } from "./strangers.ts";

/** A way in which somebody may get at others' rows, tried on all fenced tables at once. */
type Attack = {
  readonly claim: string;
  /** What it is tried on: each of the tables, or what stands there once for all of them. */
  readonly on: "tables" | "all of them";
  readonly try: (ground: Ground) => Promise<Tried>;
};

/** Those on the fence itself, and on what its policies ask. */
const onTheFence: readonly Attack[] = [
  {
    claim: "strangers see and delete nobody's rows, whatever they say of themselves",
    on: "tables",
    try: tryStrangers,
  },
  {
    claim: "members change no membership and no organization",
    on: "all of them",
    try: tryMemberships,
  },
  {
    claim: "a prepared statement answers each user with their own rows",
    on: "tables",
    try: tryCachedPlans,
  },
  { claim: "legal writes have no effect on others' rows", on: "tables", try: tryEffects },
];

/** Those on what stands beside it: it may have been there before the fence was. */
const aroundTheFence: readonly Attack[] = [
  { claim: "no other relation shows others' rows", on: "tables", try: tryRelationsBeside },
  {
    claim: "what a member can see and call does not depend on others' rows",
    on: "tables",
    try: tryInterference,
  },
  { claim: "files of others are out of reach", on: "all of them", try: tryStorage },
  { claim: "channels of others are out of earshot", on: "all of them", try: tryRealtime },
  { claim: "nobody writes what all share", on: "all of them", try: trySharedTables },
];

/**
 * Tries every attack, each from the same ground: two organizations with a row each in every fenced
 * table. Everything is rolled back; what a rollback would not undo (setval, dblink, HTTP, volatile
 * functions, foreign tables) is not run.
 */
export async function tryAttacks(
  session: Session,
  configured: Settings,
  tenancy: Tenancy,
  fences: readonly Fence[],
  where: "on the fence" | "around the fence",
): Promise<CheckResult[]> {
  const settings = await readRoles(session, configured);
  const attacks = where === "on the fence" ? onTheFence : aroundTheFence;
  const tryOn = (
    tried: readonly Fence[],
    how: "planted" | "moved",
    which: readonly Attack[],
  ): Promise<OnGround> =>
    untilUnlocked((turn) =>
      thenUndo(session, async (queries) => {
        const ground = await setGround(queries, settings, tenancy, tried, { how, turn });
        if ("impossible" in ground) {
          const why = violation(`not tried: ${ground.impossible}`);
          const untried = { violations: [why], remarks: [] };
          return { labels: [], outcomes: new Map(which.map((attack) => [attack, untried])) };
        }
        const outcomes = new Map<Attack, Tried>();
        for (const attack of which) outcomes.set(attack, await tryAttack(ground, attack));
        return { labels: ground.fences.map(({ label }) => label), outcomes };
      }),
    );
  try {
    const all = await tryOn(fences, "planted", attacks);
    const grounds = [all];
    // Where rows are there and none can be made, two are moved: for no longer than one table takes.
    for (const fence of fences.filter(({ label }) => !all.labels.includes(label))) {
      const ofTables = attacks.filter(({ on }) => on === "tables");
      grounds.push(await tryOn([fence], "moved", ofTables));
    }
    return attacks.map((attack) => together(attack, grounds));
  } catch (error) {
    if (isLockConflict(error)) throw blocked(`the attacks ${where}`, error);
    if (isConnectionLoss(error) || sqlState(error) === undefined) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return attacks.map(({ claim }) =>
      resultOf(claim, [violation(`could not be tried: ${reason}`)]),
    );
  }
}

/** What came of attacks on one ground, and the tables that had rows on it. */
type OnGround = {
  readonly labels: readonly string[];
  readonly outcomes: ReadonlyMap<Attack, Tried>;
};

function together(attack: Attack, grounds: readonly OnGround[]): CheckResult {
  const outcomes = grounds.flatMap(({ outcomes: found }) => found.get(attack) ?? []);
  const remarks = new Set(outcomes.flatMap((tried) => tried.remarks));
  const limits = remarks.size === 0 ? "" : ` (${[...remarks].join("; ")})`;
  const violations = outcomes.flatMap((tried) => tried.violations);
  return resultOf(`${attack.claim}${limits}`, violations);
}

async function tryAttack(ground: Ground, attack: Attack): Promise<Tried> {
  const { queries } = ground;
  await queries.execute(sql`SAVEPOINT attack`);
  const tried = await attack.try(ground).catch((error: unknown): Tried => {
    const isRefusal = sqlState(error) !== undefined && !isLockConflict(error);
    if (!isRefusal || isConnectionLoss(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return { violations: [violation(`could not be tried: ${reason}`)], remarks: [] };
  });
  await queries.execute(sql`ROLLBACK TO SAVEPOINT attack`);
  return tried;
}
