import type { Grant } from "../../catalog/grants.ts";
import { ident, type RelationName, type Some, type Sql, sql, textOf } from "../../postgres/sql.ts";
import { none } from "../model/checks.ts";
import type { TransactionStep } from "../model/step.ts";
import { restoreGrants, revokeGrants } from "./grants.ts";

/** Privileges to be revoked from the roles of requests. */
export type RequestGrants = {
  readonly relation: RelationName;
  readonly label: string;
  readonly grants: Some<Grant>;
  readonly roles: readonly string[];
};

/** Revokes SELECT on a materialized view, which cannot have row-level security. */
export function closeMaterializedView({
  relation,
  label,
  grants,
  roles,
}: RequestGrants): TransactionStep {
  return {
    id: `day3/${label}/close-materialized-view`,
    title: "revoke requests' privileges on the materialized view",
    ...revoking(sql`${ident(relation)}`, relation, grants),
    verify: [
      none(
        `requests cannot read ${label}`,
        sql`
          SELECT format('%I may still read %s', api.role, ${label}::text) AS violation
            FROM unnest(${[...roles]}::text[]) AS api (role)
           WHERE has_any_column_privilege(api.role, to_regclass(${textOf(ident(relation))}), 'SELECT')
        `,
      ),
    ],
  };
}

/** Revokes SELECT and UPDATE on a sequence; requests keep USAGE, for nextval(). */
export function countOnly({ relation, label, grants, roles }: RequestGrants): TransactionStep {
  return {
    id: `day3/${label}/count-only`,
    title: "revoke requests' SELECT and UPDATE on the sequence",
    ...revoking(sql`SEQUENCE ${ident(relation)}`, relation, grants),
    verify: [
      none(
        `requests can neither set nor read ${label}`,
        sql`
          SELECT format('%I may still %s %s', api.role, verb.name, ${label}::text) AS violation
            FROM unnest(${[...roles]}::text[]) AS api (role)
           CROSS JOIN unnest(ARRAY['SELECT', 'UPDATE']) AS verb (name)
           WHERE has_sequence_privilege(api.role, to_regclass(${textOf(ident(relation))}), verb.name)
        `,
      ),
    ],
  };
}

function revoking(on: Sql, table: RelationName, grants: Some<Grant>) {
  return {
    table,
    mode: "transaction",
    lock: { level: "none" },
    up: some(revokeGrants(on, grants)),
    down: { kind: "exact", sql: some(restoreGrants(on, grants)) },
  } as const;
}

function some(statements: readonly Sql[]): Some<Sql> {
  const [first, ...others] = statements;
  if (first === undefined) throw new TypeError("there are no grants to revoke");
  return [first, ...others];
}
