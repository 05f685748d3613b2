import { type Queries, sqlState } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { isValidation } from "../steps/table/validation.ts";

/** Why a statement of an inverse was skipped, with the server's message. */
export type SkippedStatement = {
  /** `undefined object`: its object was dropped. `violation`: rows violate the constraint that it validates. */
  readonly kind: "undefined object" | "violation";
  readonly message: string;
};

/**
 * undefined_table, undefined_column, undefined_object (a constraint, an index, a role), undefined_function,
 * invalid_schema_name, and invalid_foreign_key: the key that it references was dropped.
 */
export const undefinedObject: readonly string[] = [
  "42P01",
  "42703",
  "42704",
  "42883",
  "3F000",
  "42830",
];

/** foreign_key_violation and check_violation. */
export const violation: readonly string[] = ["23503", "23514"];

/** Whether an error says that an object does not exist: somebody dropped it. */
export function isUndefinedObject(error: unknown): error is Error {
  return error instanceof Error && undefinedObject.includes(sqlState(error) ?? "");
}

/** Whether an error says that rows violate a unique index. */
export function isUniqueViolation(error: unknown): error is Error {
  return error instanceof Error && sqlState(error) === "23505";
}

/**
 * Executes a statement of an inverse. It is skipped where its object was dropped since, or where it
 * validates a constraint that rows violate: neither stops a rollback, and the fingerprint shows the
 * difference. The statements after it are executed.
 */
export async function executeInverse(
  queries: Queries,
  statement: Sql,
): Promise<SkippedStatement | undefined> {
  await queries.execute(sql`SAVEPOINT there`);
  try {
    await queries.execute(statement);
    return undefined;
  } catch (error) {
    const kind = whySkipped(error, statement);
    if (kind === undefined || !(error instanceof Error)) throw error;
    await queries.execute(sql`ROLLBACK TO SAVEPOINT there`);
    return { kind, message: error.message };
  }
}

function whySkipped(error: unknown, statement: Sql): SkippedStatement["kind"] | undefined {
  if (isUndefinedObject(error)) return "undefined object";
  const violated = violation.includes(sqlState(error) ?? "") && isValidation(statement);
  return violated ? "violation" : undefined;
}
