import { sql } from "../../../postgres/sql.ts";
import { apiRoles } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const largeObjectShared: Rule = {
  id: "large-object-shared",
  severity: "medium",
  title: "Requests can read large objects",
  why: "Large objects have no rows and so no row-level security: only a grant, or the same owner for all tenants, protects them.",
  source: "https://www.postgresql.org/docs/current/lo-implementation.html",
  findings: (context) => sql`
    SELECT format('large objects of %I', pg_get_userbyid(m.lomowner)) AS object,
           format('%s of them are open to %I', count(*), api.role) AS fact,
           string_agg(CASE WHEN m.lomowner = r.oid
                           THEN format('ALTER LARGE OBJECT %s OWNER TO %I;', m.oid, session_user)
                           ELSE format('REVOKE ALL ON LARGE OBJECT %s FROM PUBLIC, %I;', m.oid, api.role)
                      END, ' ' ORDER BY m.oid) AS fix
      FROM pg_largeobject_metadata m
     CROSS JOIN ${apiRoles(context)}
      JOIN pg_roles r ON r.rolname = api.role
     WHERE m.lomowner = r.oid
        OR EXISTS (SELECT
                     FROM aclexplode(m.lomacl) AS g
                    WHERE g.grantee = 0
                       OR pg_has_role(api.role, g.grantee, 'USAGE'))
     GROUP BY m.lomowner, api.role
     UNION ALL
    SELECT 'lo_compat_privileges',
           'is on in the configuration of the server: every role reads and writes every large object',
           '-- lo_compat_privileges = off in postgresql.conf'
     WHERE current_setting('lo_compat_privileges') = 'on'
       AND EXISTS (SELECT FROM pg_largeobject_metadata)
  `,
  mutants: [
    {
      name: "a large object that everybody may read",
      leak: "large-object",
      kind: "damage",
      damage: () => [
        sql`SELECT lo_create(424242)`,
        sql`GRANT SELECT ON LARGE OBJECT 424242 TO PUBLIC`,
      ],
    },
  ],
};
