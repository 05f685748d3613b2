import { ident, literal, sql, textOf } from "../../../postgres/sql.ts";
import { functionBody } from "../../function-text.ts";
import { relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

/** What a profile has, and what no membership follows from. */
const ofProfiles =
  "(full_?name|first_?name|last_?name|name|user_?name|nick_?name|display_?name|avatar(_?url)?|picture|phone|email|locale|lang(uage)?|time_?zone|title|bio)";

export const signUpTrusted: Rule = {
  id: "sign-up-trusted",
  severity: "critical",
  title: "A new user chooses their organization",
  why: "raw_user_meta_data holds what the user typed at sign-up: a trigger that writes a membership from it lets anybody sign up into any organization, in any role.",
  source: "https://supabase.com/docs/guides/auth/managing-user-data",
  findings: ({ tenancy }) => sql`
    SELECT format('%I on %I.%I', g.tgname, t.schema, t.name) AS object,
           format('%s writes memberships, and reads metadata that the user wrote', p.oid::regprocedure) AS fact,
           format('-- change %s: take the organization from an invitation that the organization wrote, by the verified address of the user', p.oid::regprocedure) AS fix
      FROM ${relationsNamed([tenancy.users.relation])} AS t
      JOIN pg_trigger g ON g.tgrelid = t.oid
      JOIN pg_proc p ON p.oid = g.tgfoid
     CROSS JOIN LATERAL (
       SELECT regexp_replace(
                ${functionBody},
                ${`(raw_user_meta_data|user_metadata)\\s*->>?\\s*'${ofProfiles}'`}, '', 'gi') AS text
     ) AS body
     WHERE NOT g.tgisinternal
       AND g.tgenabled <> 'D'
       AND body.text ~* ${`\\m${tenancy.memberships.name}\\M`}
       AND body.text ~* 'raw_user_meta_data|user_metadata'
  `,
  mutants: [
    {
      name: "a membership of the organization that the user named at sign-up",
      leak: "sign-up",
      kind: "damage",
      damage: ({ tenancy }) => [
        sql`ALTER TABLE ${ident(tenancy.users.relation)} ADD COLUMN IF NOT EXISTS raw_user_meta_data jsonb`,
        sql`CREATE FUNCTION public.join_at_sign_up() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
              AS ${literal(
                `BEGIN
                   INSERT INTO ${textOf(ident(tenancy.memberships))} (organization_id, user_id)
                   VALUES ((NEW.raw_user_meta_data ->> 'organization_id')::uuid, NEW.id);
                   RETURN NEW;
                 END`,
              )}`,
        sql`CREATE TRIGGER join_at_sign_up AFTER INSERT ON ${ident(tenancy.users.relation)}
              FOR EACH ROW EXECUTE FUNCTION public.join_at_sign_up()`,
      ],
    },
  ],
};
