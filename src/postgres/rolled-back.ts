import type { Queries, Session } from "./connection.ts";

class RollBack extends Error {}

/** Runs work in a transaction that is rolled back, also when the work succeeds. */
export async function rolledBack<Result>(
  session: Session,
  work: (queries: Queries) => Promise<Result>,
): Promise<Result> {
  let done: { readonly result: Result } | undefined;
  try {
    await session.transaction(async (queries) => {
      done = { result: await work(queries) };
      throw new RollBack();
    });
  } catch (error) {
    if (!(error instanceof RollBack) || done === undefined) throw error;
  }
  if (done === undefined) throw new Error("the transaction ended before its work did");
  return done.result;
}
