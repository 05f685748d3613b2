import { ident, sql } from "../../../postgres/sql.ts";
import { functionBody } from "../../function-text.ts";
import type { Rule } from "../../rule.ts";

export const immutableHelper: Rule = {
  id: "immutable-helper",
  severity: "critical",
  title: "A policy calls an IMMUTABLE function",
  why: "Its result may be kept in a cached plan: the next user of the connection gets the rows of the user before.",
  source: "https://www.postgresql.org/docs/current/xfunc-volatility.html",
  findings: (context) => sql`
    SELECT DISTINCT p.oid::regprocedure::text AS object,
           format('is IMMUTABLE, and the policy %I of %s calls it', l.polname, l.polrelid::regclass) AS fact,
           format('ALTER FUNCTION %s STABLE;', p.oid::regprocedure) AS fix
      FROM pg_policy l
      JOIN pg_depend d ON d.classid = 'pg_policy'::regclass
                      AND d.objid = l.oid
                      AND d.refclassid = 'pg_proc'::regclass
      JOIN pg_proc p ON p.oid = d.refobjid
     WHERE p.provolatile = 'i'
       AND p.pronamespace <> 'pg_catalog'::regnamespace
       AND p.prokind = 'f'
       -- Of a row's own columns, as storage.foldername(name), an IMMUTABLE function answers the same for everybody.
       AND (p.pronargs = 0
            OR ${functionBody} ~* ${`current_setting|\\m(current_user|session_user|current_role|user)\\M|\\m(${[context.tenancy.memberships, context.tenancy.organizations, context.tenancy.users.relation].map(({ name }) => name).join("|")})\\M|\\mauth\\.|\\m${context.tenancy.helpers.schema}\\M|user_metadata`})
  `,
  mutants: [
    {
      name: "a helper marked IMMUTABLE",
      leak: "immutable-helper",
      kind: "damage",
      damage: ({ tenancy }) => [
        sql`ALTER FUNCTION ${ident(tenancy.helpers.callerOrganizations)}() IMMUTABLE`,
      ],
    },
  ],
};
