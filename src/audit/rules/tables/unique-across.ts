import { ident, sql } from "../../../postgres/sql.ts";
import { withPartitions } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const uniqueAcross: Rule = {
  id: "unique-across",
  severity: "medium",
  title: "A unique or EXCLUDE constraint of a tenant table is not in each organization",
  why: "The error for a duplicate key reveals that another tenant has the value, and the tenant cannot have it too.",
  source: "https://www.postgresql.org/docs/current/ddl-rowsecurity.html",
  findings: (context) => sql`
    SELECT format('%s on %I.%I', i.indexrelid::regclass, t.schema, t.name) AS object,
           format('%s without %I%s', CASE WHEN i.indisexclusion THEN 'excludes rows' ELSE 'is unique' END, ${context.tenancy.column}::text,
                  CASE WHEN EXISTS (SELECT
                                      FROM unnest(i.indkey::smallint[]) AS part
                                      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = part
                                     WHERE a.attname = ${context.tenancy.column})
                       THEN ' as a key: it is only included, or compared otherwise than by ='
                       ELSE ''
                  END) AS fact,
           format('-- CREATE UNIQUE INDEX CONCURRENTLY ON %I.%I (%I, …), then drop this index; or hardening.uniqueConstraints in the configuration', t.schema, t.name, ${context.tenancy.column}::text) AS fix
      FROM ${withPartitions(context.tenantTables)} AS t
      JOIN pg_index i ON i.indrelid = t.oid
      JOIN pg_class index ON index.oid = i.indexrelid
      LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = t.oid AND k.contype = 'x'
     WHERE (i.indisunique OR i.indisexclusion)
       AND NOT i.indisprimary
       -- The parent's index stands for those of its partitions.
       AND NOT index.relispartition
       -- Only key columns count, and not those of INCLUDE; in an EXCLUDE constraint only those that = compares.
       AND NOT EXISTS (SELECT
                         FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS part (number, place)
                         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = part.number
                        WHERE a.attname = ${context.tenancy.column}
                          AND part.place <= i.indnkeyatts
                          AND (k.conexclop IS NULL
                               OR (SELECT o.oprname FROM pg_operator o WHERE o.oid = k.conexclop[part.place]) = '='))
       -- An index of one organization's rows only.
       AND coalesce(pg_get_expr(i.indpred, i.indrelid), '')
           !~ ${`^\\(+"?${context.tenancy.column}"? = '[0-9a-f-]{36}'::uuid\\)`}
  `,
  mutants: [
    {
      name: "a unique index over all tenants",
      leak: "unique",
      kind: "damage",
      damage: ({ table }) => [sql`CREATE UNIQUE INDEX across_all ON ${ident(table)} (id)`],
    },
    {
      name: "a unique index that only includes the organization",
      leak: "unique",
      kind: "damage",
      damage: ({ table, tenancy }) => [
        sql`CREATE UNIQUE INDEX including ON ${ident(table)} (id) INCLUDE (${ident(tenancy.column)})`,
      ],
    },
    {
      name: "a constraint that excludes the same value in another organization",
      leak: "unique",
      kind: "damage",
      damage: ({ table }) => [
        sql`ALTER TABLE ${ident(table)} ADD CONSTRAINT excluding EXCLUDE USING btree (id WITH =)`,
      ],
    },
    {
      name: "a unique expression that only looks like the organization",
      leak: "unique",
      kind: "damage",
      damage: ({ table, tenancy }) => [
        sql`CREATE UNIQUE INDEX looking ON ${ident(table)} ((${ident(tenancy.column)} IS NOT NULL), id)`,
      ],
    },
    {
      name: "a unique index on some rows of all tenants",
      leak: "unique",
      kind: "damage",
      damage: ({ table, tenancy }) => [
        sql`CREATE UNIQUE INDEX partly ON ${ident(table)} (id) WHERE ${ident(tenancy.column)} IS NOT NULL`,
      ],
    },
  ],
};
