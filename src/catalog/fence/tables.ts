import type { Queries } from "../../postgres/connection.ts";
import { type Sql, sql } from "../../postgres/sql.ts";
import {
  attribute,
  type FenceEntry,
  notOfExtension,
  onOff,
  privileges,
  readEntries,
} from "./entry.ts";
import { type FencedTable, type FenceScope, tablesItem } from "./scope.ts";

/** Privileges to which row-level security does not apply. */
const unfenced = ["TRUNCATE", "REFERENCES", "TRIGGER"];
const writing = ["INSERT", "UPDATE", "DELETE", ...unfenced];

/** Tables: flags, owners, and what requests may do that no policy decides. */
export function readTables(
  queries: Queries,
  tables: readonly FencedTable[],
  roles: readonly string[],
): Promise<FenceEntry[]> {
  const name = sql`format('%I.%I', n.nspname, c.relname)`;
  const alter = (what: Sql) => sql`format('ALTER TABLE %s %s;', ${name}, ${what})`;
  const held = (wanted: readonly string[]) =>
    privileges(
      {
        acl: sql`coalesce(c.relacl, acldefault('r', c.relowner))`,
        owner: sql`c.relowner`,
        on: sql`'TABLE ' || ${name}`,
      },
      roles,
      wanted,
    );
  return readEntries(
    queries,
    sql`
      SELECT CASE WHEN c.relispartition THEN 'partition' ELSE 'table' END AS kind,
             fenced.object,
             ARRAY[]::text[] AS of,
             NULL AS create,
             NULL AS drop,
             jsonb_build_array(
               ${attribute("kind", sql`CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'f' THEN 'foreign table' ELSE c.relkind::text END`)},
               ${attribute("owner", sql`quote_ident(pg_get_userbyid(c.relowner))`, alter(sql`'OWNER TO ' || quote_ident(pg_get_userbyid(c.relowner))`))},
               ${attribute("row security", onOff(sql`c.relrowsecurity`), alter(sql`CASE WHEN c.relrowsecurity THEN 'ENABLE' ELSE 'DISABLE' END || ' ROW LEVEL SECURITY'`))},
               ${attribute("forced row security", onOff(sql`c.relforcerowsecurity`), alter(sql`CASE WHEN c.relforcerowsecurity THEN 'FORCE' ELSE 'NO FORCE' END || ' ROW LEVEL SECURITY'`))},
               ${attribute("constraint triggers not in force", silentTriggers, sql`format('ALTER TABLE %s ENABLE TRIGGER ALL;', ${name})`, sql`format('ALTER TABLE %s ENABLE TRIGGER ALL; -- then disable again those of your own that are meant to be', ${name})`)}
             )
             || CASE fenced.part
                  WHEN 'tenant' THEN ${held(unfenced)}
                  WHEN 'users' THEN '[]'
                  ELSE ${held(writing)}
                END
             || ${published(name)}
             || CASE WHEN fenced.part IN ('organizations', 'memberships') THEN ${columnPrivileges(roles)} ELSE '[]' END AS attributes
        FROM ${tablesItem(tables)} AS fenced
        JOIN pg_class c ON c.oid = fenced.oid
        JOIN pg_namespace n ON n.oid = c.relnamespace
    `,
  );
}

/** Internal triggers have the oid of their constraint in their names, so the constraints are named. */
const silentTriggers: Sql = sql`
  (SELECT string_agg(DISTINCT format('%s (%s)', quote_ident(k.conname),
                                     CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica only' ELSE 'always' END), ', ')
     FROM pg_trigger t
     JOIN pg_constraint k ON k.oid = t.tgconstraint
    WHERE t.tgrelid = c.oid
      AND t.tgisinternal
      AND t.tgenabled <> 'O')
`;

/** Requests with privileges on single columns. */
function columnPrivileges(roles: readonly string[]): Sql {
  return sql`
    (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'name', 'privileges of ' || held.grantee || ' on column ' || held.column,
                       'value', held.privileges,
                       'restore', format('GRANT %s (%s) ON %I.%I TO %s;', held.privileges, held.column, n.nspname, c.relname, held.grantee),
                       'remove', format('REVOKE ALL (%s) ON %I.%I FROM %s;', held.column, n.nspname, c.relname, held.grantee))), '[]')
       FROM (SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END AS grantee,
                    quote_ident(col.attname) AS column,
                    string_agg(DISTINCT a.privilege_type, ', ' ORDER BY a.privilege_type) AS privileges
               FROM pg_attribute col
              CROSS JOIN aclexplode(col.attacl) AS a
               LEFT JOIN pg_roles r ON r.oid = a.grantee
              WHERE col.attrelid = c.oid
                AND a.privilege_type <> 'SELECT'
                AND (a.grantee = 0 OR r.rolname = ANY (${[...roles]}::text[]))
              GROUP BY 1, 2) AS held)
  `;
}

/** Publications, with which rows leave the database without policies. */
function published(name: Sql): Sql {
  return sql`
    (SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'name', 'published by ' || quote_ident(p.pubname),
                       'value', concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                                          CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END,
                                          'where ' || (to_jsonb(t) ->> 'rowfilter')),
                       'restore', format('ALTER PUBLICATION %I ADD TABLE %s;', p.pubname, ${name}),
                       'remove', format('ALTER PUBLICATION %I DROP TABLE %s;', p.pubname, ${name}))), '[]')
       FROM pg_publication_tables t
       JOIN pg_publication p ON p.pubname = t.pubname
      WHERE t.schemaname = n.nspname
        AND t.tablename = c.relname)
  `;
}

/** Columns that say whose a row is, and those of memberships: types and defaults. */
export function readColumns(
  queries: Queries,
  tables: readonly FencedTable[],
  { column, users }: FenceScope,
): Promise<FenceEntry[]> {
  const alter = (what: Sql) =>
    sql`format('ALTER TABLE %I.%I ALTER COLUMN %I %s;', n.nspname, c.relname, a.attname, ${what})`;
  const defaulted = sql`pg_get_expr(d.adbin, d.adrelid)`;
  return readEntries(
    queries,
    sql`
      SELECT 'column' AS kind,
             format('column %I.%I.%I', n.nspname, c.relname, a.attname) AS object,
             ARRAY[fenced.object] AS of,
             NULL AS create,
             NULL AS drop,
             jsonb_build_array(
               ${attribute("type", sql`format_type(a.atttypid, a.atttypmod)`)},
               ${attribute("not null", onOff(sql`a.attnotnull`), alter(sql`CASE WHEN a.attnotnull THEN 'SET' ELSE 'DROP' END || ' NOT NULL'`))},
               ${attribute("default", sql`CASE WHEN a.attgenerated = '' THEN ${defaulted} END`, alter(sql`'SET DEFAULT ' || ${defaulted}`), alter(sql`'DROP DEFAULT'`))},
               ${attribute("generated", sql`CASE WHEN a.attgenerated <> '' THEN ${defaulted} END`)},
               ${attribute("identity", sql`NULLIF(a.attidentity::text, '')`)}
             ) AS attributes
        FROM ${tablesItem(tables)} AS fenced
        JOIN pg_class c ON c.oid = fenced.oid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       WHERE CASE fenced.part
               WHEN 'tenant' THEN a.attname = ${column}
               WHEN 'users' THEN a.attname = ${users.id}
               ELSE fenced.part IN ('organizations', 'memberships')
             END
    `,
  );
}

/** Constraints that keep a row's organization right: foreign keys, and all that name the organization. */
export function readConstraints(
  queries: Queries,
  tables: readonly FencedTable[],
  { column }: FenceScope,
): Promise<FenceEntry[]> {
  const name = sql`format('%I.%I', n.nspname, c.relname)`;
  const enforced = sql`coalesce((to_jsonb(k) ->> 'conenforced')::boolean, TRUE)`;
  return readEntries(
    queries,
    sql`
      SELECT 'constraint' AS kind,
             format('constraint %s.%I', ${name}, k.conname) AS object,
             ARRAY[fenced.object] AS of,
             format('ALTER TABLE %s ADD CONSTRAINT %I %s;', ${name}, k.conname, pg_get_constraintdef(k.oid)) AS create,
             format('ALTER TABLE %s DROP CONSTRAINT %I;', ${name}, k.conname) AS drop,
             jsonb_build_array(
               ${attribute("definition", sql`regexp_replace(pg_get_constraintdef(k.oid), '( NOT VALID| NOT ENFORCED)+$', '')`)},
               ${attribute("enforced", sql`CASE WHEN ${enforced} THEN 'yes' ELSE 'no' END`, sql`format('ALTER TABLE %s ALTER CONSTRAINT %I ENFORCED;', ${name}, k.conname)`)},
               ${attribute("validated", sql`CASE WHEN k.convalidated THEN 'yes' ELSE 'no' END`, sql`format('ALTER TABLE %s VALIDATE CONSTRAINT %I;', ${name}, k.conname)`)}
             ) AS attributes
        FROM ${tablesItem(tables)} AS fenced
        JOIN pg_class c ON c.oid = fenced.oid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_constraint k ON k.conrelid = c.oid
       WHERE fenced.part <> 'shared'
         -- A constraint of PostgreSQL 18 says what the column says.
         AND k.contype NOT IN ('n', 't')
         AND ((k.contype = 'f' AND fenced.part <> 'users')
              OR (fenced.part = 'users' AND k.contype = 'p')
              OR fenced.part IN ('organizations', 'memberships')
              OR EXISTS (SELECT
                           FROM pg_attribute a
                          WHERE a.attrelid = c.oid
                            AND a.attname = ${column}
                            AND a.attnum = ANY (k.conkey)))
         AND ${notOfExtension(sql`'pg_class'`, sql`c.oid`)}
    `,
  );
}
