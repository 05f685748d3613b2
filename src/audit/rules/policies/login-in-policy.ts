import { ident, literal, sql } from "../../../postgres/sql.ts";
import { callHelperInstead } from "../../policy-fix.ts";
import { reachable } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const loginInPolicy: Rule = {
  id: "login-in-policy",
  severity: "critical",
  title: "A policy uses session_user",
  why: "An API logs in as one role for all of its requests: session_user is the same for every tenant, and for requests without a user.",
  source: "https://www.postgresql.org/docs/current/functions-info.html",
  findings: (context) => sql`
    SELECT format('%I on %s', p.polname, p.polrelid::regclass) AS object,
           'uses session_user, which is the login of all requests' AS fact,
           ${callHelperInstead} AS fix
      FROM pg_policy p
      JOIN ${reachable(context)} AS r ON r.oid = p.polrelid
     WHERE concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) ~* '\\msession_user\\M'
  `,
  mutants: [
    {
      name: "a policy that trusts the API's login",
      leak: "login-trusted",
      kind: "damage",
      damage: ({ table, login }) => [
        sql`CREATE POLICY ours ON ${ident(table)} USING (SESSION_USER = ${literal(login)})`,
      ],
    },
  ],
};
