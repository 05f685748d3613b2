import { revokedFromRequests } from "../../../catalog/request-roles.ts";
import { ident, literal, sql } from "../../../postgres/sql.ts";
import { fenced, reachedRoles, relationsNamed, withPartitions } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const roleBypasses: Rule = {
  id: "role-bypasses",
  severity: "critical",
  title: "A role of requests is not bound by row-level security",
  why: "Superusers, roles with BYPASSRLS and, without FORCE, a table's owner pass every policy. A role with CREATEROLE can give itself other roles, and one with REPLICATION reads every change. The login counts too: a request that runs RESET ROLE is the login.",
  source: "https://www.postgresql.org/docs/current/ddl-rowsecurity.html",
  findings: (context) => sql`
    WITH reached AS (
      SELECT oid,
             role,
             becomes
        FROM ${reachedRoles(context)} AS all_reached
       WHERE NOT trusted
    )
    SELECT reached.role AS object,
           format('requests can become it, and it has %s', attributes.names) AS fact,
           CASE
             WHEN reached.role = ANY (${[...context.requests.listed]}::text[])
               THEN format('ALTER ROLE %I %s;', reached.role, attributes.without)
             ELSE coalesce(${revokedFromRequests(reachedRoles(context), sql`reached.oid`)}, format('ALTER ROLE %I %s;', reached.role, attributes.without))
           END AS fix
      FROM reached
      JOIN pg_roles r ON r.oid = reached.oid
     CROSS JOIN LATERAL (SELECT string_agg(attribute.name, ', ') AS names,
                                string_agg('NO' || attribute.name, ' ') AS without
                           FROM (VALUES ('SUPERUSER', r.rolsuper),
                                        ('BYPASSRLS', r.rolbypassrls),
                                        ('CREATEROLE', r.rolcreaterole AND NOT r.rolsuper),
                                        ('REPLICATION', r.rolreplication AND NOT r.rolsuper)) AS attribute (name, has)
                          WHERE attribute.has) AS attributes
     WHERE reached.becomes
       AND attributes.names IS NOT NULL
     UNION ALL
    SELECT reached.role,
           format('owns %I.%I, or inherits from its owner', t.schema, t.name),
           CASE
             WHEN helpers.oid IS NULL OR helpers.nspowner IN (SELECT oid FROM reached)
               THEN format('-- give %I.%I to a role that requests cannot become: ALTER TABLE … OWNER TO …', t.schema, t.name)
             -- What its owner may do is the new owner's alone: it keeps what requests need.
             ELSE format('ALTER TABLE %I.%I OWNER TO %I;', t.schema, t.name, pg_get_userbyid(helpers.nspowner))
                  || coalesce((SELECT format(' GRANT %s ON %I.%I TO %I;', string_agg(verb.name, ', ' ORDER BY verb.place), t.schema, t.name, reached.role)
                                 FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) WITH ORDINALITY AS verb (name, place)
                                WHERE reached.role = ANY (${[...context.requests.listed]}::text[])
                                  AND has_table_privilege(reached.role, t.oid, verb.name)
                                  AND (verb.name = 'SELECT' OR t.oid NOT IN (SELECT oid FROM ${relationsNamed([context.tenancy.organizations, context.tenancy.memberships])} AS own))
                               HAVING count(*) > 0), '')
           END
      FROM reached
     CROSS JOIN ${withPartitions(fenced(context))} AS t
      JOIN pg_class c ON c.oid = t.oid
      LEFT JOIN pg_namespace helpers ON helpers.nspname = ${literal(context.tenancy.helpers.schema)}
     WHERE NOT c.relforcerowsecurity
       AND c.relowner = reached.oid
  `,
  mutants: [
    {
      name: "a role of requests with BYPASSRLS",
      leak: "role-bypass",
      kind: "damage",
      damage: ({ role }) => [sql`ALTER ROLE ${ident(role)} BYPASSRLS`],
    },
    {
      name: "a role of requests that may create roles",
      leak: "role-bypass",
      kind: "damage",
      damage: ({ role }) => [sql`ALTER ROLE ${ident(role)} CREATEROLE`],
    },
    {
      name: "a role of requests that owns a tenant table",
      leak: "role-bypass",
      kind: "damage",
      damage: ({ table, role }) => [sql`ALTER TABLE ${ident(table)} OWNER TO ${ident(role)}`],
    },
    {
      name: "a role of requests that may become one with BYPASSRLS",
      leak: "role-bypass",
      kind: "damage",
      damage: ({ role }) => [
        sql`CREATE ROLE mutant_bypass BYPASSRLS`,
        sql`GRANT mutant_bypass TO ${ident(role)}`,
      ],
    },
  ],
};
