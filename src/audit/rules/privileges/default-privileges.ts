import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const defaultPrivileges: Rule = {
  id: "default-privileges",
  severity: "low",
  title: "New tables are open to requests by default",
  why: "Default privileges apply to tables that have no fence yet: from CREATE TABLE until row-level security is on, every tenant reads the table.",
  source: "https://www.postgresql.org/docs/current/sql-alterdefaultprivileges.html",
  findings: (context) => sql`
    SELECT format('default privileges of %I%s', pg_get_userbyid(d.defaclrole),
                  CASE d.defaclnamespace WHEN 0 THEN '' ELSE format(' in %I', d.defaclnamespace::regnamespace) END) AS object,
           format('grant %s on new tables to %s', string_agg(DISTINCT g.privilege_type, ', '),
                  CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee)::text END) AS fact,
           format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE ALL ON TABLES FROM %s; -- or hardening.defaultPrivileges in the configuration', pg_get_userbyid(d.defaclrole),
                  CASE d.defaclnamespace WHEN 0 THEN '' ELSE format(' IN SCHEMA %I', d.defaclnamespace::regnamespace) END,
                  CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END) AS fix
      FROM pg_default_acl d
     CROSS JOIN aclexplode(d.defaclacl) AS g
     WHERE d.defaclobjtype = 'r'
       AND (g.grantee = 0
            OR EXISTS (SELECT FROM ${apiRoles(context)} WHERE pg_has_role(api.role, g.grantee, 'USAGE')))
       -- What a role may do with its own tables, or nobody's who could not do it anyway.
       AND g.grantee <> d.defaclrole
     GROUP BY d.defaclrole, d.defaclnamespace, g.grantee
  `,
  mutants: [
    {
      name: "tables that are open to requests when they are made",
      leak: "row-security-off",
      kind: "damage",
      damage: ({ role }) => [
        sql`ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ${ident(role)}`,
      ],
    },
  ],
};
