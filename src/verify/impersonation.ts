import type { Settings } from "../config/settings.ts";
import {
  isLockConflict,
  type Queries,
  type RefusalSource,
  refusalSource,
  type Session,
  sqlState,
} from "../postgres/connection.ts";
import { ident, type Sql, sql } from "../postgres/sql.ts";
import { silenceTriggers } from "../steps/backfill.ts";

class Undo extends Error {}

/** Runs work in a transaction that is rolled back whatever comes of it. */
export async function thenUndo<Result>(
  session: Session,
  work: (queries: Queries) => Promise<Result>,
): Promise<Result> {
  let done: { result: Result } | undefined;
  try {
    await session.transaction(async (queries) => {
      // The application must never notice that it is being tried.
      await queries.execute(sql`SET LOCAL lock_timeout = '200ms'`);
      await queries.execute(sql`SET LOCAL statement_timeout = '10s'`);
      await queries.execute(sql`SET LOCAL idle_in_transaction_session_timeout = '5s'`);
      // Rows are moved between organizations, and their parents are not: a constraint that asks at
      // the end is not asked, since there is none.
      await queries.execute(sql`SET CONSTRAINTS ALL DEFERRED`);
      done = { result: await work(queries) };
      throw new Undo();
    });
  } catch (error) {
    if (!(error instanceof Undo) || done === undefined) throw error;
  }
  if (done === undefined) throw new Error("the transaction ended without its work");
  return done.result;
}

/** Does work as a signed-in user of the application, until the work ends. */
export async function asUser<Result>(
  queries: Queries,
  user: string,
  { identity, roles }: Pick<Settings, "identity" | "roles">,
  work: () => Promise<Result>,
): Promise<Result> {
  for (const [name, value] of identitySettings(identity, user, roles.signedIn)) {
    await queries.execute(sql`SELECT set_config(${name}, ${value}, TRUE)`);
  }
  await queries.execute(sql`SET LOCAL ROLE ${ident(roles.signedIn)}`);
  const result = await work();
  await queries.execute(sql`RESET ROLE`);
  return result;
}

function identitySettings(
  identity: Settings["identity"],
  user: string,
  role: string,
): readonly (readonly [string, string])[] {
  switch (identity.kind) {
    case "supabase":
      return [
        ["request.jwt.claims", JSON.stringify({ sub: user, role })],
        ["request.jwt.claim.sub", user],
      ];
    case "jwt-claim":
      return [["request.jwt.claims", JSON.stringify({ [identity.claim]: user, role })]];
    case "setting":
      return [[identity.setting, user]];
    default:
      return identity satisfies never;
  }
}

/** What came of a statement that may be refused; afterwards the transaction is as it was before. */
export type Attempt =
  | { readonly kind: "done"; readonly rows: number }
  | (RefusalSource & {
      readonly kind: "refused";
      readonly sqlState: string;
      readonly message: string;
    });

/**
 * Tries a statement within a savepoint, which is kept or undone. A lock that somebody else holds says
 * nothing of the fence: that is thrown, for all of it to be tried again.
 */
export async function attempt(queries: Queries, statement: Sql): Promise<Attempt> {
  await queries.execute(sql`SAVEPOINT attempt`);
  try {
    const rows = await queries.execute(statement);
    await queries.execute(sql`RELEASE SAVEPOINT attempt`);
    return { kind: "done", rows };
  } catch (error) {
    const state = sqlState(error);
    if (state === undefined || isLockConflict(error)) throw error;
    await queries.execute(sql`ROLLBACK TO SAVEPOINT attempt`);
    return {
      kind: "refused",
      sqlState: state,
      message: error instanceof Error ? error.message : String(error),
      ...refusalSource(error),
    };
  }
}

/**
 * Does work without firing the application's triggers and rules, where this role may silence them;
 * elsewhere they fire. Row-level security is asked either way.
 */
export async function silently<Result>(
  queries: Queries,
  work: () => Promise<Result>,
): Promise<Result> {
  await attempt(queries, silenceTriggers);
  const result = await work();
  await attempt(queries, sql`SET LOCAL session_replication_role TO DEFAULT`);
  return result;
}
