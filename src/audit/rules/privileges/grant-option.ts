import { isUserSchema } from "../../../catalog/system-schemas.ts";
import { ident, sql } from "../../../postgres/sql.ts";
import { reachedRoles } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const grantOption: Rule = {
  id: "grant-option",
  severity: "high",
  title: "Requests may grant their privileges to others",
  why: "With the grant option a request gives its privilege to a role that nobody has looked at, or to PUBLIC: what the fence revokes from one role comes back through another.",
  source: "https://www.postgresql.org/docs/current/sql-grant.html",
  findings: (context) => sql`
    SELECT held.object,
           format('%I may grant %s on it', pg_get_userbyid(held.grantee), string_agg(DISTINCT held.privilege, ', ')) AS fact,
           string_agg(DISTINCT format('REVOKE GRANT OPTION FOR %s ON %s FROM %I CASCADE;', held.privilege, held.target, pg_get_userbyid(held.grantee)), ' ') AS fix
      FROM (SELECT format('%I.%I', n.nspname, c.relname) AS object,
                   format('%s %I.%I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname) AS target,
                   g.privilege_type AS privilege,
                   g.grantee
              FROM pg_class c
              JOIN pg_namespace n ON n.oid = c.relnamespace
             CROSS JOIN LATERAL aclexplode(c.relacl) AS g
             WHERE ${isUserSchema(sql`n.nspname`)}
               AND g.is_grantable
               AND g.grantee <> c.relowner
             UNION ALL
            SELECT format('%I.%I', n.nspname, c.relname),
                   format('TABLE %I.%I', n.nspname, c.relname),
                   format('%s (%I)', g.privilege_type, a.attname),
                   g.grantee
              FROM pg_attribute a
              JOIN pg_class c ON c.oid = a.attrelid
              JOIN pg_namespace n ON n.oid = c.relnamespace
             CROSS JOIN LATERAL aclexplode(a.attacl) AS g
             WHERE ${isUserSchema(sql`n.nspname`)}
               AND g.is_grantable
               AND g.grantee <> c.relowner
             UNION ALL
            SELECT n.nspname::text,
                   format('SCHEMA %I', n.nspname),
                   g.privilege_type,
                   g.grantee
              FROM pg_namespace n
             CROSS JOIN LATERAL aclexplode(n.nspacl) AS g
             WHERE ${isUserSchema(sql`n.nspname`)}
               AND g.is_grantable
               AND g.grantee <> n.nspowner
             UNION ALL
            SELECT p.oid::regprocedure::text,
                   format('FUNCTION %s', p.oid::regprocedure),
                   g.privilege_type,
                   g.grantee
              FROM pg_proc p
              JOIN pg_namespace n ON n.oid = p.pronamespace
             CROSS JOIN LATERAL aclexplode(p.proacl) AS g
             WHERE ${isUserSchema(sql`n.nspname`)}
               AND p.prokind <> 'p'
               AND g.is_grantable
               AND g.grantee <> p.proowner) AS held
      JOIN ${reachedRoles(context)} AS reached ON reached.oid = held.grantee AND NOT reached.trusted
     GROUP BY held.object, held.grantee
  `,
  mutants: [
    {
      name: "SELECT that requests may pass on",
      leak: "grant-option",
      kind: "damage",
      damage: ({ table, role }) => [
        sql`GRANT SELECT ON ${ident(table)} TO ${ident(role)} WITH GRANT OPTION`,
      ],
    },
    {
      name: "a column that requests may pass on",
      leak: "grant-option",
      kind: "damage",
      damage: ({ table, role }) => [
        sql`GRANT UPDATE (id) ON ${ident(table)} TO ${ident(role)} WITH GRANT OPTION`,
      ],
    },
  ],
};
