import { ident, literal, sql } from "../../../postgres/sql.ts";
import { fenced, withPartitions } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const disabledChecks: Rule = {
  id: "disabled-checks",
  severity: "high",
  title: "A foreign key or a trigger of the fence does not fire",
  why: "DISABLE TRIGGER ALL also disables the triggers by which foreign keys are checked, and the plan's: rows then point into another organization, or get none, while the constraint still counts as validated.",
  source: "https://www.postgresql.org/docs/current/sql-altertable.html",
  findings: (context) => sql`
    SELECT format('%I.%I', t.schema, t.name) AS object,
           format('%s trigger%s of %s %s not fire', count(*), CASE WHEN count(*) > 1 THEN 's' ELSE '' END,
                  coalesce(format('the foreign key %I', k.conname), 'the plan'), CASE WHEN count(*) > 1 THEN 'do' ELSE 'does' END) AS fact,
           string_agg(format('ALTER TABLE %I.%I ENABLE TRIGGER %I;', t.schema, t.name, g.tgname), ' ' ORDER BY g.tgname)
           || CASE WHEN k.conname IS NULL THEN '' ELSE ' -- and check the rows that were written meanwhile' END AS fix
      FROM ${withPartitions(fenced(context))} AS t
      JOIN pg_trigger g ON g.tgrelid = t.oid
      JOIN pg_proc p ON p.oid = g.tgfoid
      LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint AND k.contype = 'f'
     WHERE g.tgenabled IN ('D', 'R')
       AND (k.oid IS NOT NULL OR p.pronamespace = to_regnamespace(quote_ident(${literal(context.tenancy.helpers.schema)})))
     GROUP BY t.schema, t.name, k.conname
     UNION ALL
    SELECT format('%I on %I.%I', k.conname, t.schema, t.name),
           CASE WHEN to_jsonb(k) ->> 'conenforced' = 'false' THEN 'is not enforced' ELSE 'is not validated: rows from before it may break it' END,
           CASE WHEN to_jsonb(k) ->> 'conenforced' = 'false'
                THEN format('ALTER TABLE %I.%I ALTER CONSTRAINT %I ENFORCED;', t.schema, t.name, k.conname)
                ELSE format('ALTER TABLE %I.%I VALIDATE CONSTRAINT %I;', t.schema, t.name, k.conname)
           END
      FROM ${withPartitions(fenced(context))} AS t
      JOIN pg_constraint k ON k.conrelid = t.oid
                          AND k.contype = 'f'
                          AND k.conparentid = 0
      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (k.conkey)
     WHERE a.attname IN (${context.tenancy.column}, 'organization_id')
       AND (NOT k.convalidated OR to_jsonb(k) ->> 'conenforced' = 'false')
  `,
  mutants: [
    {
      name: "all triggers of a tenant table disabled",
      leak: "disabled-checks",
      kind: "damage",
      damage: ({ child }) => [sql`ALTER TABLE ${ident(child)} DISABLE TRIGGER ALL`],
    },
    {
      name: "all triggers of a referenced tenant table disabled",
      leak: "disabled-checks",
      kind: "damage",
      damage: ({ tenancy }) => [
        sql`ALTER TABLE ${ident(tenancy.organizations)} DISABLE TRIGGER ALL`,
      ],
    },
  ],
};
