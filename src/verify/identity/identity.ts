import type { ResolvedSettings } from "../../config/settings.ts";
import { messageOf } from "../../errors.ts";
import type { CheckResult } from "../../events/verification.ts";
import {
  isConnectionLoss,
  isLockConflict,
  type Queries,
  type Session,
  sqlState,
} from "../../postgres/connection.ts";
import { sql } from "../../postgres/sql.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";
import { blocked } from "../proof/blocked.ts";
import { makeTestOrganizations } from "../proof/test-organizations.ts";
import type { Fence } from "../proof/trial.ts";
import { inRolledBackTransaction, retryWhileLocked } from "../proof/unnoticed.ts";
import { resultOf, violation } from "../proof/violation.ts";
import { askForAll } from "./everyone.ts";
import { tryNobody, tryUnnamed } from "./nobody.ts";

type Scope = {
  readonly settings: ResolvedSettings;
  readonly tenancy: Tenancy;
  readonly fences: readonly Fence[];
};

/**
 * A session that never named a user sees no rows. It comes first: afterwards this session has named users.
 * @returns nothing in a session that named users before
 */
export async function tryUnnamedSession(session: Session, scope: Scope): Promise<CheckResult[]> {
  const claim = "a session that never named a user sees no rows";
  let isUnnamed = true;
  const result = await tried(session, claim, async (queries) => {
    // A function that does not answer is reported by its name afterwards.
    await queries.execute(sql`SET LOCAL statement_timeout = '2s'`);
    const violations = await tryUnnamed(queries, scope);
    isUnnamed = violations !== undefined;
    return resultOf(claim, violations ?? []);
  });
  return isUnnamed ? [result] : [];
}

/** Requests that name nobody are nobody. */
export function tryWithoutIdentity(session: Session, scope: Scope): Promise<CheckResult> {
  const claim = "requests that name no user, in any form, see no rows";
  return tried(session, claim, async (queries) => resultOf(claim, await tryNobody(queries, scope)));
}

/** The functions answer each user, and a member of each organization, by the memberships and nothing else. */
export function tryEveryUser(
  session: Session,
  { settings, tenancy }: Omit<Scope, "fences">,
): Promise<CheckResult> {
  const claim = "the functions answer every user by their memberships";
  return tried(session, claim, async (queries, turn) => {
    const scene = await makeTestOrganizations(queries, tenancy, [], turn);
    if ("impossible" in scene) {
      return resultOf(claim, [violation(`not tried: ${scene.impossible}`)]);
    }
    const [user] = scene.users;
    const { silences } = scene;
    const all = await askForAll(queries, settings, tenancy, { user, silences });
    const few = `${all.asked.toLocaleString("en")} of ${all.users.toLocaleString("en")} users, at random`;
    return resultOf(all.asked < all.users ? `${claim} (${few})` : claim, all.violations);
  });
}

async function tried(
  session: Session,
  claim: string,
  work: (queries: Queries, turn: number) => Promise<CheckResult>,
): Promise<CheckResult> {
  try {
    return await retryWhileLocked((turn) =>
      inRolledBackTransaction(session, (queries) => work(queries, turn)),
    );
  } catch (error) {
    if (isLockConflict(error)) throw blocked(claim, error);
    if (isConnectionLoss(error) || sqlState(error) === undefined) throw error;
    return resultOf(claim, [violation(`could not be tried: ${messageOf(error)}`)]);
  }
}
