import type { Queries } from "../../postgres/connection.ts";
import { type Sql, sql } from "../../postgres/sql.ts";
import { attribute, type FenceEntry, readEntries } from "./entry.ts";
import { type FencedTable, isOfFence, tablesItem } from "./scope.ts";

const table: Sql = sql`format('%I.%I', n.nspname, c.relname)`;

/** All policies of the fence's tables, the application's too. */
export function readPolicies(
  queries: Queries,
  tables: readonly FencedTable[],
): Promise<FenceEntry[]> {
  const command = sql`(CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END)`;
  const permissive = sql`(CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END)`;
  const roles = sql`(SELECT string_agg(bound.name, ', ' ORDER BY bound.name)
                       FROM (SELECT CASE role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(role)) END AS name
                               FROM unnest(p.polroles) AS role) AS bound)`;
  const using = sql`pg_get_expr(p.polqual, p.polrelid)`;
  const check = sql`pg_get_expr(p.polwithcheck, p.polrelid)`;
  return readEntries(
    queries,
    sql`
      SELECT 'policy' AS kind,
             format('policy %s.%I', ${table}, p.polname) AS object,
             ARRAY[fenced.object] AS of,
             format('BEGIN; DROP POLICY IF EXISTS %I ON %s; CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, ${table},
                    p.polname, ${table}, ${permissive}, ${command}, ${roles})
             || coalesce(format(' USING (%s)', ${using}), '')
             || coalesce(format(' WITH CHECK (%s)', ${check}), '')
             || '; COMMIT;' AS create,
             format('DROP POLICY %I ON %s;', p.polname, ${table}) AS drop,
             jsonb_build_array(
               ${attribute("kind", permissive)},
               ${attribute("command", command)},
               ${attribute("roles", roles)},
               ${attribute("USING", using)},
               ${attribute("WITH CHECK", check)}
             ) AS attributes
        FROM ${tablesItem(tables)} AS fenced
        JOIN pg_class c ON c.oid = fenced.oid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_policy p ON p.polrelid = c.oid
       WHERE fenced.part <> 'users'
    `,
  );
}

/** When a trigger or a rule fires, as a word and as the clause of ALTER TABLE. */
function firing(enabled: Sql): { readonly word: Sql; readonly clause: Sql } {
  return {
    word: sql`(CASE ${enabled} WHEN 'O' THEN 'yes' WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica only' ELSE 'always' END)`,
    clause: sql`(CASE ${enabled} WHEN 'O' THEN 'ENABLE' WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END)`,
  };
}

/** Triggers and rules of the fence's tables, and of the users'; what constraints fire is part of the table. */
export async function readTriggersAndRules(
  queries: Queries,
  tables: readonly FencedTable[],
): Promise<FenceEntry[]> {
  const trigger = firing(sql`t.tgenabled`);
  const rule = firing(sql`r.ev_enabled`);
  const triggers = await readEntries(
    queries,
    sql`
      SELECT 'trigger' AS kind,
             format('trigger %s.%I', ${table}, t.tgname) AS object,
             ARRAY[fenced.object] AS of,
             pg_get_triggerdef(t.oid) || ';' AS create,
             format('DROP TRIGGER %I ON %s;', t.tgname, ${table}) AS drop,
             jsonb_build_array(
               ${attribute("definition", sql`pg_get_triggerdef(t.oid)`, sql`format('BEGIN; DROP TRIGGER IF EXISTS %I ON %s; %s; COMMIT;', t.tgname, ${table}, pg_get_triggerdef(t.oid))`)},
               ${attribute("enabled", trigger.word, sql`format('ALTER TABLE %s %s TRIGGER %I;', ${table}, ${trigger.clause}, t.tgname)`)}
             ) AS attributes
        FROM ${tablesItem(tables)} AS fenced
        JOIN pg_class c ON c.oid = fenced.oid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
       WHERE ${isOfFence(sql`t`)}
    `,
  );
  const rules = await readEntries(
    queries,
    sql`
      SELECT 'rule' AS kind,
             format('rule %s.%I', ${table}, r.rulename) AS object,
             ARRAY[fenced.object] AS of,
             pg_get_ruledef(r.oid) AS create,
             format('DROP RULE %I ON %s;', r.rulename, ${table}) AS drop,
             jsonb_build_array(
               ${attribute("definition", sql`pg_get_ruledef(r.oid)`)},
               ${attribute("enabled", rule.word, sql`format('ALTER TABLE %s %s RULE %I;', ${table}, ${rule.clause}, r.rulename)`)}
             ) AS attributes
        FROM ${tablesItem(tables)} AS fenced
        JOIN pg_class c ON c.oid = fenced.oid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_rewrite r ON r.ev_class = c.oid AND r.rulename <> '_RETURN'
    `,
  );
  return [...triggers, ...rules];
}
