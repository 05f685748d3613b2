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
           format('-- for each: REVOKE ALL ON LARGE OBJECT … FROM PUBLIC, %I;', api.role) AS fix
      FROM pg_largeobject_metadata m
     CROSS JOIN ${apiRoles(context)}
     WHERE m.lomowner = (SELECT oid FROM pg_roles WHERE rolname = api.role)
        OR EXISTS (SELECT
                     FROM aclexplode(m.lomacl) AS g
                    WHERE g.grantee = 0
                       OR pg_has_role(api.role, g.grantee, 'USAGE'))
     GROUP BY m.lomowner, api.role
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
