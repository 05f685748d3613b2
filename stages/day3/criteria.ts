import { requestRoles } from "../../src/config/settings.ts";
import {
  ident,
  list,
  literal,
  type RelationName,
  type Sql,
  sql,
  textOf,
} from "../../src/postgres/sql.ts";
import { none } from "../../src/steps/model/checks.ts";
import type { StageContext } from "../../src/steps/model/stage.ts";
import type { Check } from "../../src/steps/model/step.ts";

/** The plan's success criteria for the database, each with its query. */
export function successCriteria(context: StageContext): readonly Check[] {
  const { tenancy } = context;
  const tables = tenantTables(context);
  const { column } = tenancy;
  return [
    none(
      `all ${context.tables.day1.length + context.tables.day2.length} tables have ${column}`,
      sql`
        SELECT format('%I.%I has no %I', t.schema, t.name, ${column}::text) AS violation
          FROM ${tables}
         WHERE NOT EXISTS (SELECT FROM pg_attribute a
                            WHERE a.attrelid = t.oid AND a.attname = ${column} AND NOT a.attisdropped)
      `,
    ),
    none(
      "all of these columns are NOT NULL",
      sql`
        SELECT format('%I.%I.%I is nullable', t.schema, t.name, a.attname) AS violation
          FROM ${tables}
          JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = ${column}
         WHERE NOT a.attnotnull
      `,
    ),
    none(
      "all indexes are there and valid",
      sql`
        SELECT format('%I.%I has no valid index that begins with %I', t.schema, t.name, ${column}::text) AS violation
          FROM ${tables}
         WHERE NOT EXISTS (SELECT FROM pg_index i
                             JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = ${column}
                            WHERE i.indrelid = t.oid AND i.indkey[0] = a.attnum AND i.indisvalid)
      `,
    ),
    none(
      "all row-level security policies are active",
      sql`
        SELECT format('%I.%I: row-level security is %s, restrictive guards: %s', t.schema, t.name,
                      CASE WHEN c.relrowsecurity THEN 'on' ELSE 'off' END,
                      (SELECT count(*) FROM pg_policy p WHERE p.polrelid = t.oid AND NOT p.polpermissive)) AS violation
          FROM ${tables}
          JOIN pg_class c ON c.oid = t.oid
         WHERE NOT c.relrowsecurity
            OR NOT EXISTS (SELECT FROM pg_policy p
                            WHERE p.polrelid = t.oid AND NOT p.polpermissive AND p.polcmd = '*')
      `,
    ),
    none(
      "no role of the application owns a tenant table or bypasses row-level security",
      sql`
        SELECT format('%I may act as the owner of %I.%I', r.rolname, t.schema, t.name) AS violation
          FROM ${tables}
          JOIN pg_class c ON c.oid = t.oid
          JOIN pg_roles r ON r.rolname = ANY (${[...requestRoles(context.settings)]}::text[])
         WHERE pg_has_role(r.oid, c.relowner, 'MEMBER')
           AND NOT c.relforcerowsecurity
         UNION ALL
        SELECT format('%I bypasses row-level security', r.rolname)
          FROM pg_roles r
         WHERE r.rolname = ANY (${[...requestRoles(context.settings)]}::text[])
           AND (r.rolsuper OR r.rolbypassrls)
      `,
    ),
  ];
}

/** The tenant tables as a FROM item `t` (schema, name, oid); the oid of a dropped table is NULL. */
function tenantTables({ tables }: StageContext): Sql {
  const relations = [...tables.day1, ...tables.day2].map(({ relation }) => relation);
  const row = (relation: RelationName) =>
    sql`(${literal(relation.schema)}, ${literal(relation.name)}, to_regclass(${literal(textOf(ident(relation)))}))`;
  if (relations.length === 0) {
    return sql`(SELECT NULL::text, NULL::text, NULL::oid WHERE FALSE) AS t (schema, name, oid)`;
  }
  return sql`(VALUES ${list(relations.map(row), ",\n               ")}) AS t (schema, name, oid)`;
}
