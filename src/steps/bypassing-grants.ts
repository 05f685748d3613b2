import type { Grant } from "../catalog/relations.ts";
import { ident, list, type RelationName, raw, type Sql, sql } from "../postgres/sql.ts";

/** Privileges that row-level security is not asked about. */
const bypassing = ["TRUNCATE", "REFERENCES", "TRIGGER"] as const;

/** Those of a table's grants to the roles of requests, or to everybody, that pass the fence by. */
export function bypassingGrants(
  grants: readonly Grant[],
  roles: readonly string[],
): readonly Grant[] {
  return grants.filter(
    ({ grantee, privilege }) =>
      (grantee === null || roles.includes(grantee)) && bypassing.some((one) => one === privilege),
  );
}

/** Takes such grants away. */
export function revokeGrants(relation: RelationName, grants: readonly Grant[]): Sql[] {
  return byGrantee(grants).map(
    ({ grantee, privileges }) => sql`REVOKE ${privileges} ON ${ident(relation)}
  FROM ${grantee}`,
  );
}

/** Gives them back. */
export function restoreGrants(relation: RelationName, grants: readonly Grant[]): Sql[] {
  return [true, false].flatMap((grantable) =>
    byGrantee(grants.filter((grant) => grant.grantable === grantable)).map(
      ({ grantee, privileges }) => sql`GRANT ${privileges} ON ${ident(relation)}
  TO ${grantee}${grantable ? sql`\n  WITH GRANT OPTION` : sql``}`,
    ),
  );
}

function byGrantee(grants: readonly Grant[]): { grantee: Sql; privileges: Sql }[] {
  const grantees = [...new Set(grants.map(({ grantee }) => grantee))];
  return grantees.map((grantee) => ({
    grantee: grantee === null ? sql`PUBLIC` : ident(grantee),
    privileges: list(
      grants.filter((grant) => grant.grantee === grantee).map(({ privilege }) => raw(privilege)),
    ),
  }));
}
