import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles, reachedRoles } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const userMapping: Rule = {
  id: "user-mapping",
  severity: "critical",
  title: "Requests can connect to another server",
  why: "With a user mapping, or with USAGE on a foreign server, dblink and foreign tables connect as one user for all tenants. The other server may be this one, as the owner of the tables.",
  source: "https://www.postgresql.org/docs/current/sql-createusermapping.html",
  findings: (context) => sql`
    SELECT format('the user mapping of %s for %I', CASE m.umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(m.usename) END, m.srvname) AS object,
           'connects requests as one user for all tenants' AS fact,
           format('DROP USER MAPPING FOR %s SERVER %I;', CASE m.umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(m.usename) END, m.srvname) AS fix
      FROM pg_user_mappings m
     WHERE m.umuser = 0
        OR m.umuser IN (SELECT oid FROM ${reachedRoles(context)} AS reached WHERE NOT reached.trusted AND NOT reached.superuser)
     UNION ALL
    SELECT format('the foreign server %I', s.srvname),
           format('%I has USAGE on it', api.role),
           format('REVOKE USAGE ON FOREIGN SERVER %I FROM PUBLIC, %I;', s.srvname, api.role)
      FROM pg_foreign_server s
     CROSS JOIN ${apiRoles(context)}
     WHERE has_server_privilege(api.role, s.oid, 'USAGE')
     UNION ALL
    SELECT format('the foreign-data wrapper %I', w.fdwname),
           format('%I has USAGE on it', api.role),
           format('REVOKE USAGE ON FOREIGN DATA WRAPPER %I FROM PUBLIC, %I;', w.fdwname, api.role)
      FROM pg_foreign_data_wrapper w
     CROSS JOIN ${apiRoles(context)}
     WHERE has_foreign_data_wrapper_privilege(api.role, w.oid, 'USAGE')
  `,
  mutants: [
    {
      name: "a user mapping for everybody",
      leak: "user-mapping",
      kind: "damage",
      damage: () => [
        sql`CREATE FOREIGN DATA WRAPPER mutant_wrapper`,
        sql`CREATE SERVER mutant_server FOREIGN DATA WRAPPER mutant_wrapper`,
        sql`CREATE USER MAPPING FOR PUBLIC SERVER mutant_server`,
      ],
    },
    {
      name: "a foreign server that requests may use",
      leak: "user-mapping",
      kind: "damage",
      damage: ({ role }) => [
        sql`CREATE FOREIGN DATA WRAPPER mutant_wrapper`,
        sql`CREATE SERVER mutant_server FOREIGN DATA WRAPPER mutant_wrapper`,
        sql`GRANT USAGE ON FOREIGN SERVER mutant_server TO ${ident(role)}`,
      ],
    },
  ],
};
