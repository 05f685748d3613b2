import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const escapingFunction: Rule = {
  id: "escaping-function",
  severity: "high",
  title: "Requests can call functions that leave the transaction",
  why: "dblink, HTTP and server-side files carry rows out where no ROLLBACK and no policy reaches them.",
  source: "https://www.postgresql.org/docs/current/dblink.html",
  findings: (context) => sql`
    SELECT p.oid::regprocedure::text AS object,
           format('%I may call it', api.role) AS fact,
           format('REVOKE EXECUTE ON FUNCTION %s FROM %I, PUBLIC;', p.oid::regprocedure, api.role) AS fix
      FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace
     CROSS JOIN ${apiRoles(context)}
     WHERE (p.proname IN ('dblink', 'dblink_exec', 'dblink_connect', 'http', 'http_get', 'http_post', 'net_http_get',
                          'pg_read_file', 'pg_read_binary_file', 'lo_export', 'lo_import')
            OR (n.nspname = 'net' AND p.proname IN ('http_get', 'http_post', 'http_delete')))
       AND has_function_privilege(api.role, p.oid, 'EXECUTE')
       AND has_schema_privilege(api.role, n.oid, 'USAGE')
  `,
  mutants: [
    {
      name: "server-side files open to requests",
      leak: "owner-jobs",
      kind: "damage",
      damage: ({ role }) => [
        sql`GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO ${ident(role)}`,
      ],
    },
  ],
};
