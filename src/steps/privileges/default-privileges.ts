import type { DefaultPrivileges } from "../../catalog/default-privileges.ts";
import type { Grant } from "../../catalog/grants.ts";
import { ident, type Some, type Sql, sql } from "../../postgres/sql.ts";
import { none } from "../model/checks.ts";
import type { TransactionStep } from "../model/step.ts";
import { restoreGrants, revokeGrants } from "./grants.ts";

/** Revokes default privileges of requests on new tables, which have no fence when they are created. */
export function closeNewTables(
  { role, schema }: DefaultPrivileges,
  label: string,
  grants: Some<Grant>,
): TransactionStep {
  const inSchema = schema === null ? sql`` : sql` IN SCHEMA ${ident(schema)}`;
  const alter = (statement: Sql) =>
    sql`ALTER DEFAULT PRIVILEGES FOR ROLE ${ident(role)}${inSchema}\n  ${statement}`;
  const [first, ...others] = revokeGrants(sql`TABLES`, grants).map(alter);
  const [back, ...more] = restoreGrants(sql`TABLES`, grants).map(alter);
  if (first === undefined || back === undefined) throw new TypeError(`${label} grants nothing`);
  const grantees = grants.map(({ grantee }) => grantee ?? "public");
  return {
    id: `day3/${label}/close-new-tables`,
    title: `revoke requests' default privileges on new tables of ${label}`,
    mode: "transaction",
    lock: { level: "none" },
    up: [first, ...others],
    down: { kind: "exact", sql: [back, ...more] },
    verify: [
      none(
        `requests have no privileges on new tables of ${label}`,
        sql`
          SELECT format('default privileges of %I still grant %s to %s', pg_get_userbyid(d.defaclrole), acl.privilege_type, asked.name) AS violation
            FROM pg_default_acl d
            LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
           CROSS JOIN aclexplode(d.defaclacl) AS acl
            JOIN unnest(${[...new Set(grantees)]}::text[]) AS asked (name)
              ON asked.name = CASE acl.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(acl.grantee)::text END
           WHERE d.defaclobjtype = 'r'
             AND pg_get_userbyid(d.defaclrole) = ${role}
             AND n.nspname IS NOT DISTINCT FROM ${schema}::name
        `,
      ),
    ],
  };
}
