import { functionBody, list, literal, type Sql, sql } from "../../postgres/sql.ts";

/** Statements about a function, run only where it exists: a rollback must not fail at one that was dropped. */
export function whereThere(signature: string, statements: readonly Sql[]): Sql {
  return sql`DO ${functionBody(sql`
BEGIN
  IF to_regprocedure(${literal(signature)}) IS NOT NULL THEN
    ${list(
      statements.map((statement) => sql`${statement};`),
      "\n    ",
    )}
  END IF;
END`)}`;
}
