import type { Grant } from "../../catalog/grants.ts";
import { ident, type RelationName, type Some, type Sql, sql } from "../../postgres/sql.ts";
import { none } from "../model/checks.ts";
import type { TransactionStep } from "../model/step.ts";
import { restoreGrants, revokeGrants } from "./grants.ts";

/** What is to be taken from the roles of requests. */
export type RequestGrants = {
  readonly relation: RelationName;
  readonly label: string;
  readonly grants: Some<Grant>;
  readonly roles: readonly string[];
};

/** Keeps requests from a materialized view: row-level security does not exist for it. */
export function closeMaterializedView({
  relation,
  label,
  grants,
  roles,
}: RequestGrants): TransactionStep {
  return {
    id: `day3/${label}/close-materialized-view`,
    title: "keep requests from the materialized view",
    ...taking(sql`${ident(relation)}`, relation, grants),
    verify: [
      none(
        `requests cannot read ${label}`,
        sql`
          SELECT format('%I may still read %s', api.role, ${label}::text) AS violation
            FROM unnest(${[...roles]}::text[]) AS api (role)
           WHERE has_any_column_privilege(api.role, to_regclass(${nameOf(relation)}), 'SELECT')
        `,
      ),
    ],
  };
}

/** Keeps requests from setting and reading a sequence; they may go on counting with it. */
export function countOnly({ relation, label, grants, roles }: RequestGrants): TransactionStep {
  return {
    id: `day3/${label}/count-only`,
    title: "let requests count with the sequence, and not set or read it",
    ...taking(sql`SEQUENCE ${ident(relation)}`, relation, grants),
    verify: [
      none(
        `requests can neither set nor read ${label}`,
        sql`
          SELECT format('%I may still %s %s', api.role, verb.name, ${label}::text) AS violation
            FROM unnest(${[...roles]}::text[]) AS api (role)
           CROSS JOIN unnest(ARRAY['SELECT', 'UPDATE']) AS verb (name)
           WHERE has_sequence_privilege(api.role, to_regclass(${nameOf(relation)}), verb.name)
        `,
      ),
    ],
  };
}

function taking(on: Sql, table: RelationName, grants: Some<Grant>) {
  return {
    table,
    mode: "transaction",
    lock: { level: "none" },
    up: some(revokeGrants(on, grants)),
    down: { kind: "exact", sql: some(restoreGrants(on, grants)) },
  } as const;
}

function nameOf(relation: RelationName): string {
  return ident(relation).parts.join("");
}

function some(statements: readonly Sql[]): Some<Sql> {
  const [first, ...others] = statements;
  if (first === undefined) throw new TypeError("there are no grants to take");
  return [first, ...others];
}
