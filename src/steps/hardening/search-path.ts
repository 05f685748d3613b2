import type { DatabaseFunction } from "../../catalog/functions.ts";
import { functionBody, ident, list, literal, raw, type Sql, sql } from "../../postgres/sql.ts";
import { exists } from "../model/checks.ts";
import type { TransactionStep } from "../model/step.ts";

/**
 * Gives a function that runs as its owner its own search_path: the schemas in which it finds names today.
 * pg_temp is last: a path without it searches it first, and a caller may create tables in it.
 */
export function pinSearchPath(
  { signature }: DatabaseFunction,
  label: string,
  schemas: readonly string[],
): TransactionStep {
  const routine = raw(signature);
  // Without any schema, its body finds names in pg_catalog only.
  const path = [...(schemas.length === 0 ? ["pg_catalog"] : schemas), "pg_temp"];
  return {
    id: `day3/${label}/search-path`,
    title: `set the search_path of ${label}, which runs as its owner`,
    mode: "transaction",
    lock: { level: "none" },
    up: [
      sql`ALTER ROUTINE ${routine}
  SET search_path = ${list(path.map((schema) => ident(schema)))}`,
    ],
    down: {
      kind: "exact",
      sql: [whereThere(signature, sql`ALTER ROUTINE ${routine} RESET search_path`)],
    },
    verify: [
      exists(
        `${label} has its own search_path`,
        sql`SELECT
              FROM pg_proc p
             CROSS JOIN unnest(p.proconfig) AS setting
             WHERE p.oid = to_regprocedure(${signature})
               AND setting LIKE 'search\\_path=%pg_temp'`,
      ),
    ],
  };
}

/** There is no ALTER ROUTINE IF EXISTS, and a rollback must not fail at a function that was dropped. */
function whereThere(signature: string, statement: Sql): Sql {
  return sql`DO ${functionBody(sql`
BEGIN
  IF to_regprocedure(${literal(signature)}) IS NOT NULL THEN
    ${statement};
  END IF;
END`)}`;
}
