import { ident, literal, sql } from "../../../postgres/sql.ts";
import { fenced, reachedRoles, relationsNamed } from "../../reach.ts";
import type { AuditContext, Rule } from "../../rule.ts";

/**
 * What the fence stands on, as a query of object, target and owner. With forceRowSecurity the application is meant to
 * own its tables: then only the helpers and the journal count.
 */
const stoodOn = (context: AuditContext) => sql`
  (SELECT n.nspname::text AS object,
          format('SCHEMA %I', n.nspname) AS target,
          n.nspowner AS owner
     FROM pg_namespace n
    WHERE n.nspname IN (${literal(context.tenancy.helpers.schema)}, 'tenantry')
    UNION
   SELECT n.nspname::text,
          format('SCHEMA %I', n.nspname),
          n.nspowner
     FROM ${relationsNamed(fenced(context))} AS t
     JOIN pg_namespace n ON n.nspname = t.schema
    WHERE ${!context.tenancy.forceRowSecurity}
    UNION
   SELECT p.oid::regprocedure::text,
          format('FUNCTION %s', p.oid::regprocedure),
          p.proowner
     FROM pg_proc p
    WHERE p.pronamespace = to_regnamespace(quote_ident(${literal(context.tenancy.helpers.schema)}))
    UNION
   SELECT p.oid::regprocedure::text,
          format('FUNCTION %s', p.oid::regprocedure),
          p.proowner
     FROM ${relationsNamed(fenced(context))} AS t
     JOIN pg_policy l ON l.polrelid = t.oid
     JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = l.oid AND d.refclassid = 'pg_proc'::regclass
     JOIN pg_proc p ON p.oid = d.refobjid
    WHERE ${!context.tenancy.forceRowSecurity}
    UNION
   SELECT p.oid::regprocedure::text,
          format('FUNCTION %s', p.oid::regprocedure),
          p.proowner
     FROM ${relationsNamed([...fenced(context), context.tenancy.users.relation])} AS t
     JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
     JOIN pg_proc p ON p.oid = g.tgfoid
    WHERE ${!context.tenancy.forceRowSecurity})`;

export const ownedByRequests: Rule = {
  id: "owned-by-requests",
  severity: "critical",
  title: "Requests own what the fence stands on",
  why: "The owner of a function may replace it, and the owner of a schema may drop what is in it: a policy, or a trigger of every writer, then calls what a request wrote.",
  source: "https://www.postgresql.org/docs/current/ddl-priv.html",
  findings: (context) => sql`
    SELECT stood.object,
           format('its owner is %I, which requests can become', reached.role) AS fact,
           CASE
             WHEN r.rolname = session_user THEN format('-- give it to a role that requests cannot become: ALTER %s OWNER TO …', stood.target)
             ELSE format('ALTER %s OWNER TO %I;', stood.target, session_user)
           END AS fix
      FROM ${stoodOn(context)} AS stood
      JOIN ${reachedRoles(context)} AS reached ON reached.oid = stood.owner
      JOIN pg_roles r ON r.oid = reached.oid
     WHERE NOT reached.trusted
       AND reached.role <> 'pg_database_owner'
  `,
  mutants: [
    {
      name: "a helper that requests may replace",
      leak: "owned-by-requests",
      kind: "damage",
      damage: ({ tenancy, role }) => [
        sql`ALTER FUNCTION ${ident(tenancy.helpers.caller)}() OWNER TO ${ident(role)}`,
      ],
    },
    {
      name: "a schema that requests own",
      leak: "owned-by-requests",
      kind: "damage",
      damage: ({ table, role }) => [
        sql`ALTER SCHEMA ${ident(table.schema)} OWNER TO ${ident(role)}`,
      ],
    },
  ],
};
