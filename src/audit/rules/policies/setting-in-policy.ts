import { ident, sql } from "../../../postgres/sql.ts";
import { callHelperInstead } from "../../policy-fix.ts";
import { reachable } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const settingInPolicy: Rule = {
  id: "setting-in-policy",
  severity: "high",
  title: "A policy trusts a setting, or metadata that users write",
  why: "A setting stays in a pooled connection for the next request, and the client can set it; user_metadata is written by the user.",
  source: "https://supabase.com/docs/guides/database/postgres/row-level-security",
  findings: (context) => sql`
    SELECT format('%I on %s', p.polname, p.polrelid::regclass) AS object,
           'uses current_setting, headers or user_metadata' AS fact,
           ${callHelperInstead} AS fix
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
