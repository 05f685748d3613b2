import { ident, sql } from "../../../postgres/sql.ts";
import { apiRoles, fenced, holdersOf, relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const sequenceWritable: Rule = {
  id: "sequence-writable",
  severity: "medium",
  title: "Requests may set or read a sequence",
  why: "setval is not undone by ROLLBACK: one tenant can make every tenant's inserts fail, and last_value tells how many rows all tenants have.",
  source: "https://www.postgresql.org/docs/current/functions-sequence.html",
  findings: (context) => sql`
    SELECT format('%I.%I', n.nspname, c.relname) AS object,
           format('%I may %s it', api.role, verb.what) AS fact,
           format('REVOKE %s ON SEQUENCE %I.%I FROM %s; -- or hardening.sequences in the configuration', verb.privilege, n.nspname, c.relname, ${holdersOf(sql`c.oid`, sql`api.role`, sql`verb.privilege`)}) AS fix
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_depend d ON d.classid = 'pg_class'::regclass
                      AND d.objid = c.oid
                      AND d.refclassid = 'pg_class'::regclass
                      AND d.deptype IN ('a', 'i')
      JOIN ${relationsNamed(fenced(context))} AS t ON t.oid = d.refobjid
     CROSS JOIN ${apiRoles(context)}
     CROSS JOIN (VALUES ('UPDATE', 'set'), ('SELECT', 'read')) AS verb (privilege, what)
     WHERE c.relkind = 'S'
       AND has_sequence_privilege(api.role, c.oid, verb.privilege)
  `,
  mutants: [
    {
      name: "a sequence that requests may set",
      leak: "sequence",
      kind: "damage",
      damage: ({ table, role }) => [
        sql`CREATE SEQUENCE public.counted OWNED BY ${ident(table)}.id`,
        sql`GRANT UPDATE ON SEQUENCE public.counted TO ${ident(role)}`,
      ],
    },
  ],
};
