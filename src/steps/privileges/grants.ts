import type { Grant } from "../../catalog/grants.ts";
import type { Relation } from "../../catalog/relations.ts";
import { ident, list, raw, type Sql, sql } from "../../postgres/sql.ts";

/** Privileges that row-level security does not restrict. */
const bypassing = ["TRUNCATE", "REFERENCES", "TRIGGER"] as const;

/** The grants of a table to the roles of requests, or to PUBLIC, that row-level security does not restrict. */
export function bypassingGrants(
  { grants, columnGrants }: Pick<Relation, "grants" | "columnGrants">,
  roles: readonly string[],
): readonly Grant[] {
  return [...grants, ...columnGrants].filter(
    ({ grantee, privilege }) =>
      (grantee === null || roles.includes(grantee)) && bypassing.some((one) => one === privilege),
  );
}

/** Revokes grants. @param on the object, as GRANT writes it */
export function revokeGrants(on: Sql, grants: readonly Grant[]): Sql[] {
  return byGrantee(grants).map(
    ({ grantee, privileges }) => sql`REVOKE ${privileges} ON ${on}
  FROM ${grantee}`,
  );
}

/** Grants them again. */
export function restoreGrants(on: Sql, grants: readonly Grant[]): Sql[] {
  return [true, false].flatMap((grantable) =>
    byGrantee(grants.filter((grant) => grant.grantable === grantable)).map(
      ({ grantee, privileges }) => {
        const grant = sql`GRANT ${privileges} ON ${on}\n  TO ${grantee}`;
        return grantable ? sql`${grant}\n  WITH GRANT OPTION` : grant;
      },
    ),
  );
}

function byGrantee(grants: readonly Grant[]): { grantee: Sql; privileges: Sql }[] {
  const grantees = [...new Set(grants.map(({ grantee }) => grantee))];
  return grantees.map((grantee) => ({
    grantee: grantee === null ? sql`PUBLIC` : ident(grantee),
    privileges: list(grants.filter((grant) => grant.grantee === grantee).map(privilegeOf)),
  }));
}

function privilegeOf({ privilege, column }: Grant): Sql {
  return column === undefined ? raw(privilege) : sql`${raw(privilege)} (${ident(column)})`;
}
