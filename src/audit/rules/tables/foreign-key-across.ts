import { ident, sql } from "../../../postgres/sql.ts";
import { relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const foreignKeyAcross: Rule = {
  id: "foreign-key-across",
  severity: "high",
  title: "A foreign key between tenant tables does not name the organization",
  why: "The server checks foreign keys without row-level security: a row can reference another tenant's, an error reveals that a key exists, and a cascade deletes another tenant's rows.",
  source: "https://www.postgresql.org/docs/current/ddl-rowsecurity.html",
  findings: (context) => sql`
    SELECT format('%I on %I.%I', k.conname, t.schema, t.name) AS object,
           format('references %s without %I', k.confrelid::regclass, ${context.tenancy.column}::text) AS fact,
           format('-- hardening.foreignKeys in the configuration; or a unique index on %s (%I, …), then: ALTER TABLE %I.%I ADD FOREIGN KEY (%I, …) REFERENCES %s (%I, …) NOT VALID;',
                  k.confrelid::regclass, ${context.tenancy.column}::text, t.schema, t.name,
                  ${context.tenancy.column}::text, k.confrelid::regclass, ${context.tenancy.column}::text) AS fix
      FROM ${relationsNamed(context.tenantTables)} AS t
      JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
      JOIN ${relationsNamed(context.tenantTables)} AS parent ON parent.oid = k.confrelid
     WHERE NOT EXISTS (SELECT
                         FROM unnest(k.conkey) AS part
                         JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = part
                        WHERE a.attname = ${context.tenancy.column})
       -- One that names it as well stands beside this one, and keeps the two together.
       AND NOT EXISTS (SELECT
                         FROM pg_constraint beside
                         JOIN pg_attribute a ON a.attrelid = beside.conrelid AND a.attnum = ANY (beside.conkey)
                        WHERE beside.conrelid = k.conrelid
                          AND beside.confrelid = k.confrelid
                          AND beside.contype = 'f'
                          AND beside.conkey @> k.conkey
                          AND a.attname = ${context.tenancy.column})
  `,
  mutants: [
    {
      name: "a foreign key that does not name the organization",
      leak: "foreign-key",
      kind: "damage",
      damage: ({ table, child }) => [
        // With one that names it beside, this one would do no harm.
        sql`ALTER TABLE ${ident(child)} DROP CONSTRAINT IF EXISTS ${ident(`${child.name}_lead_id_fkey`)}`,
        sql`ALTER TABLE ${ident(child)} ADD CONSTRAINT across FOREIGN KEY (lead_id) REFERENCES ${ident(table)} (id) NOT VALID`,
      ],
    },
  ],
};
