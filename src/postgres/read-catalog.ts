import pRetry from "p-retry";
import { isConcurrentChange, type Queries, type Session } from "./connection.ts";

/**
 * Reads the catalog in one read-only transaction, so that all of it is from the same moment; again if another
 * session changed what was being read: a run that swaps a constraint, or anybody's DDL.
 * @param work must do nothing else than reading, because it may be run several times
 */
export function readCatalog<Result>(
  session: Session,
  work: (queries: Queries) => Promise<Result>,
): Promise<Result> {
  return pRetry(() => session.transaction(work, "read only snapshot"), {
    retries: 5,
    minTimeout: 100,
    factor: 2,
    shouldRetry: ({ error }) => isConcurrentChange(error),
  });
}
