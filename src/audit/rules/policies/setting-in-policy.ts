import { ident, sql } from "../../../postgres/sql.ts";
import { reachable } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const settingInPolicy: Rule = {
  id: "setting-in-policy",
  severity: "high",
  title: "A policy trusts a setting, or what users say of themselves",
  why: "A setting stays in a pooled connection for whoever comes next and can be set by the client; user_metadata is written by the user.",
  source: "https://supabase.com/docs/guides/database/postgres/row-level-security",
  findings: (context) => sql`
    SELECT format('%I on %s', p.polname, p.polrelid::regclass) AS object,
           'asks current_setting, headers or user_metadata itself' AS fact,
           CASE WHEN p.polpermissive
                THEN format('DROP POLICY %I ON %s; -- and ask the helper instead', p.polname, p.polrelid::regclass)
                ELSE format('-- ALTER POLICY %I ON %s, to ask the helper instead: it is restrictive, and dropping it would open the table', p.polname, p.polrelid::regclass)
           END AS fix
      FROM pg_policy p
      JOIN ${reachable(context)} AS r ON r.oid = p.polrelid
     WHERE concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
           ~* 'current_setting|user_metadata|raw_user_meta_data|request\\.headers'
  `,
  mutants: [
    {
      name: "a policy that trusts a setting",
      leak: "setting-left",
      kind: "damage",
      damage: ({ table, tenancy }) => [
        sql`CREATE POLICY trusting ON ${ident(table)} USING (${ident(tenancy.column)}::text = current_setting('app.organization', TRUE))`,
      ],
    },
  ],
};
