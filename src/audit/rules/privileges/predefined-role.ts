import { revokedFromRequests } from "../../../catalog/request-roles.ts";
import { ident, sql } from "../../../postgres/sql.ts";
import { reachedRoles } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const predefinedRole: Rule = {
  id: "predefined-role",
  severity: "critical",
  title: "Requests have a predefined role",
  why: "Predefined roles give privileges on everything in the server at once: on tables of every schema, on files, on programs, on what other sessions do. No GRANT on a table shows them.",
  source: "https://www.postgresql.org/docs/current/predefined-roles.html",
  findings: (context) => sql`
    SELECT reached.role AS object,
           format('gives requests %s', given.what) AS fact,
           ${revokedFromRequests(reachedRoles(context), sql`reached.oid`)} AS fix
      FROM ${reachedRoles(context)} AS reached
      JOIN (VALUES ('pg_read_all_data', 'SELECT on every table, view and sequence, also on later ones'),
                   ('pg_write_all_data', 'INSERT, UPDATE and DELETE on every table, also on later ones'),
                   ('pg_read_server_files', 'every file that the server can read, those of the tables included'),
                   ('pg_write_server_files', 'every file that the server can write, those of the tables included'),
                   ('pg_execute_server_program', 'programs, as the operating system user of the server'),
                   ('pg_maintain', 'VACUUM, REINDEX, REFRESH and LOCK TABLE on every table'),
                   ('pg_monitor', 'the statements of every session, with their values'),
                   ('pg_read_all_stats', 'the statements of every session, with their values'),
                   ('pg_create_subscription', 'subscriptions, which write rows that no policy checks'),
                   ('pg_signal_backend', 'to cancel and end the sessions of all tenants'),
                   ('pg_database_owner', 'what the owner of the database may do')) AS given (role, what)
        ON given.role = reached.role
     WHERE reached.oid NOT IN (SELECT oid FROM pg_roles WHERE rolname = ANY (${[...context.requests.trusted]}::text[]))
  `,
  mutants: [
    {
      name: "requests that may read all data",
      leak: "predefined-role",
      kind: "damage",
      damage: ({ role }) => [sql`GRANT pg_read_all_data TO ${ident(role)}`],
    },
    {
      name: "requests that may read the server's files",
      leak: "predefined-role",
      kind: "damage",
      damage: ({ role }) => [sql`GRANT pg_read_server_files TO ${ident(role)}`],
    },
    {
      name: "requests that see the statements of every session",
      leak: "predefined-role",
      kind: "damage",
      damage: ({ role }) => [
        sql`CREATE ROLE mutant_monitor IN ROLE pg_monitor`,
        sql`GRANT mutant_monitor TO ${ident(role)}`,
      ],
    },
  ],
};
