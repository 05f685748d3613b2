import { messageOf } from "../../errors.ts";
import type { CheckResult } from "../../events/verification.ts";
import {
  isConnectionLoss,
  isLockConflict,
  type Session,
  sqlState,
} from "../../postgres/connection.ts";
import { sql } from "../../postgres/sql.ts";
import { tryTableEffects, tryViewEffects } from "../effects/effects.ts";
import { tryFunctionEffects } from "../functions/function-effects.ts";
import { blocked } from "../proof/blocked.ts";
import type { Fence, ProofScope } from "../proof/trial.ts";
import { inRolledBackTransaction, retryWhileLocked } from "../proof/unnoticed.ts";
import { resultOf, violation } from "../proof/violation.ts";
import { readRoles } from "../roles/roles.ts";
import { tryRealtime } from "../supabase/realtime.ts";
import { tryStorage } from "../supabase/storage.ts";
import type { Tried } from "../tables/try-writes.ts";
import { type AttackSetup, setUpAttack } from "./attack-setup.ts";
import { tryCachedPlans } from "./cached-plans.ts";
import { tryForeignKeys } from "./foreign-keys.ts";
import { tryInterference } from "./interference.ts";
import { tryMemberships } from "./memberships.ts";
import { tryNonMembers } from "./non-members.ts";
import { tryOtherRelations } from "./other-relations.ts";
import { tryProfiles } from "./profiles.ts";
import { trySharedTables } from "./shared-tables.ts";

/** A way to reach others' rows, tried on all fenced tables at once. */
type Attack = {
  readonly claim: string;
  /** Whether it is tried on each table, or on what all tables have in common. */
  readonly on: "tables" | "all of them";
  readonly try: (setup: AttackSetup) => Promise<Tried>;
};

/** Attacks on the fence itself, and on what its policies call. */
const onTheFence: readonly Attack[] = [
  {
    claim: "non-members see and delete no rows, whatever their claims say",
    on: "tables",
    try: tryNonMembers,
  },
  {
    claim: "members cannot change memberships or organizations",
    on: "all of them",
    try: tryMemberships,
  },
  {
    claim: "a prepared statement returns each user's own rows only",
    on: "tables",
    try: tryCachedPlans,
  },
  {
    claim: "a member's own writes do not change others' rows",
    on: "tables",
    try: tryTableEffects,
  },
  {
    claim: "others' rows and rows that do not exist are answered alike",
    on: "tables",
    try: tryForeignKeys,
  },
  {
    claim:
      "users see and change their own row in tables of users, and only see those of colleagues",
    on: "all of them",
    try: tryProfiles,
  },
];

/** Attacks on other objects, which may have existed before the fence. */
const aroundTheFence: readonly Attack[] = [
  { claim: "no other relation shows others' rows", on: "tables", try: tryOtherRelations },
  {
    claim: "a member's writes through views do not change others' rows",
    on: "all of them",
    try: tryViewEffects,
  },
  {
    claim: "what a member can see and call does not depend on others' rows",
    on: "tables",
    try: tryInterference,
  },
  {
    claim: "functions that run as their owner do not change others' rows",
    on: "all of them",
    try: tryFunctionEffects,
  },
  {
    claim: "files of other organizations cannot be read or written",
    on: "all of them",
    try: tryStorage,
  },
  {
    claim: "Realtime channels of other organizations cannot be read or written",
    on: "all of them",
    try: tryRealtime,
  },
  { claim: "members cannot write shared tables", on: "all of them", try: trySharedTables },
];

/**
 * Tries every attack, each from the same setup: two organizations with a row each in every fenced
 * table. Everything is rolled back; what a rollback would not undo (setval, dblink, HTTP, volatile
 * functions, foreign tables) is not run.
 */
export async function tryAttacks(
  session: Session,
  { settings: configured, tenancy, fences, onClone }: ProofScope,
  where: "on the fence" | "around the fence",
): Promise<CheckResult[]> {
  const settings = await readRoles(session, configured);
  const attacks = where === "on the fence" ? onTheFence : aroundTheFence;
  const tryOn = (
    tried: readonly Fence[],
    how: "planted" | "moved",
    which: readonly Attack[],
  ): Promise<Outcomes> =>
    retryWhileLocked((turn) =>
      inRolledBackTransaction(session, async (queries) => {
        const setup = await setUpAttack(queries, { settings, tenancy, onClone }, tried, {
          how,
          turn,
        });
        if ("impossible" in setup) {
          const why = violation(`not tried: ${setup.impossible}`);
          const untried = { violations: [why], remarks: [] };
          return { labels: [], outcomes: new Map(which.map((attack) => [attack, untried])) };
        }
        const outcomes = new Map<Attack, Tried>();
        for (const attack of which) outcomes.set(attack, await tryAttack(setup, attack));
        return { labels: setup.fences.map(({ label }) => label), outcomes };
      }),
    );
  try {
    const all = await tryOn(fences, "planted", attacks);
    const setups = [all];
    // Where a table has rows and none can be inserted, two are moved while that table alone is tried.
    for (const fence of fences.filter(({ label }) => !all.labels.includes(label))) {
      const ofTables = attacks.filter(({ on }) => on === "tables");
      setups.push(await tryOn([fence], "moved", ofTables));
    }
    return attacks.map((attack) => together(attack, setups));
  } catch (error) {
    if (isLockConflict(error)) throw blocked(`the attacks ${where}`, error);
    if (isConnectionLoss(error) || sqlState(error) === undefined) throw error;
    const reason = messageOf(error);
    return attacks.map(({ claim }) =>
      resultOf(claim, [violation(`could not be tried: ${reason}`)]),
    );
  }
}

/** The outcomes of attacks with one setup, and the tables that had rows in it. */
type Outcomes = {
  readonly labels: readonly string[];
  readonly outcomes: ReadonlyMap<Attack, Tried>;
};

function together(attack: Attack, setups: readonly Outcomes[]): CheckResult {
  const outcomes = setups.flatMap(({ outcomes: found }) => found.get(attack) ?? []);
  const unproven = outcomes.flatMap((tried) => tried.remarks);
  const violations = outcomes.flatMap((tried) => tried.violations);
  return resultOf(attack.claim, violations, { unproven });
}

async function tryAttack(setup: AttackSetup, attack: Attack): Promise<Tried> {
  const { queries } = setup;
  await queries.execute(sql`SAVEPOINT attack`);
  const tried = await attack.try(setup).catch((error: unknown): Tried => {
    const isRefusal = sqlState(error) !== undefined && !isLockConflict(error);
    if (!isRefusal || isConnectionLoss(error)) throw error;
    const reason = messageOf(error);
    return { violations: [violation(`could not be tried: ${reason}`)], remarks: [] };
  });
  await queries.execute(sql`ROLLBACK TO SAVEPOINT attack`);
  return tried;
}
