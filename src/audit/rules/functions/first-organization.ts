import { ident, literal, sql, textOf } from "../../../postgres/sql.ts";
import { functionBody } from "../../function-text.ts";
import { fenced, relationsNamed } from "../../reach.ts";
import type { Rule } from "../../rule.ts";

export const firstOrganization: Rule = {
  id: "first-organization",
  severity: "high",
  title: "A row or a member goes to an organization by its slug or order",
  why: "The first organization, or the one with a slug, is the right one only while there is one: rows and users of the next customer go to somebody else.",
  source: "https://www.postgresql.org/docs/current/ddl-default.html",
  findings: (context) => {
    const { organizations } = context.tenancy;
    return sql`
    WITH called AS (
      SELECT format('%I on %I.%I', g.tgname, t.schema, t.name) AS object,
             g.tgfoid AS oid
        FROM ${relationsNamed([...fenced(context), context.tenancy.users.relation])} AS t
        JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D'
       UNION ALL
      SELECT format('%I.%I', t.schema, t.name),
             d.refobjid
        FROM ${relationsNamed(fenced(context))} AS t
        JOIN pg_attrdef f ON f.adrelid = t.oid
        JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass
                        AND d.objid = f.oid
                        AND d.refclassid = 'pg_proc'::regclass
    )
    SELECT called.object,
           format('%s takes an organization by its slug or order', p.oid::regprocedure) AS fact,
           format('-- change %s: name the organization by its id, or take the one of the user who writes', p.oid::regprocedure) AS fix
      FROM called
      JOIN pg_proc p ON p.oid = called.oid
     WHERE p.prokind = 'f'
       AND p.pronamespace <> 'pg_catalog'::regnamespace
       AND EXISTS (SELECT
                     FROM regexp_split_to_table(${functionBody}, ';') AS statement
                    WHERE statement ~* ${`\\mfrom\\M[^;]*\\m${organizations.name}\\M`}
                      AND (statement ~* '\\mslug\\M\\s*(=|~+\\*?|i?like)\\s*''|\\mmin\\s*\\(|\\mmax\\s*\\('
                           OR (statement ~* '\\mlimit\\M\\s+1|\\mfetch\\s+first\\M|\\morder\\s+by\\M' AND statement !~* '\\mwhere\\M|\\mjoin\\M')))
  `;
  },
  mutants: [
    {
      name: "new users who join the first organization",
      leak: "first-organization",
      kind: "damage",
      damage: ({ tenancy }) => [
        sql`CREATE FUNCTION public.join_first() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
              AS ${literal(
                `BEGIN
                   INSERT INTO ${textOf(ident(tenancy.memberships))} (organization_id, user_id)
                   SELECT id, NEW.id FROM ${textOf(ident(tenancy.organizations))} ORDER BY created_at LIMIT 1;
                   RETURN NEW;
                 END`,
              )}`,
        sql`CREATE TRIGGER join_first AFTER INSERT ON ${ident(tenancy.users.relation)}
              FOR EACH ROW EXECUTE FUNCTION public.join_first()`,
      ],
    },
    {
      name: "a default that names an organization by its slug",
      leak: "first-organization",
      kind: "damage",
      damage: ({ table, tenancy }) => [
        sql`CREATE FUNCTION public.usual() RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
              AS ${literal(`SELECT id FROM ${textOf(ident(tenancy.organizations))} WHERE slug = 'alpha'`)}`,
        sql`ALTER TABLE ${ident(table)} ALTER COLUMN ${ident(tenancy.column)} SET DEFAULT public.usual()`,
      ],
    },
  ],
};
