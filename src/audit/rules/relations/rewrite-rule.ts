import { ident, sql } from "../../../postgres/sql.ts";
import { fenced, withPartitions } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const rewriteRule: Rule = {
  id: "rewrite-rule",
  severity: "high",
  title: "A tenant table has a rewrite rule",
  why: "A rule's actions run with the rights of the table's owner: a permitted write of one tenant becomes another write, to which no policy applies.",
  source: "https://www.postgresql.org/docs/current/rules-privileges.html",
  findings: (context) => sql`
    SELECT format('%I on %I.%I', w.rulename, t.schema, t.name) AS object,
           'is a rule, whose actions run as the owner of the table' AS fact,
           format('DROP RULE %I ON %I.%I;', w.rulename, t.schema, t.name) AS fix
      FROM ${withPartitions(fenced(context))} AS t
      JOIN pg_rewrite w ON w.ev_class = t.oid
     WHERE w.ev_enabled <> 'D'
  `,
  mutants: [
    {
      name: "a rule that writes elsewhere",
      leak: "definer-trigger",
      kind: "damage",
      damage: ({ table }) => [
        sql`CREATE RULE elsewhere AS ON INSERT TO ${ident(table)} DO ALSO NOTIFY elsewhere`,
      ],
    },
  ],
};
