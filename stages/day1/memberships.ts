import {
  functionBody,
  ident,
  list,
  literal,
  type RelationName,
  raw,
  type Sql,
  sql,
} from "../../src/postgres/sql.ts";
import { forNow, none } from "../../src/steps/model/checks.ts";
import { organizationId } from "../../src/steps/model/naming.ts";
import { organizationPolicies } from "../../src/steps/model/organization-policies.ts";
import type { StageContext } from "../../src/steps/model/stage.ts";
import type { TransactionStep } from "../../src/steps/model/step.ts";
import { isOneOf, type Tenancy } from "../../src/steps/model/tenancy.ts";
import { guardStands } from "../../src/steps/table/fence.ts";

/**
 * The default organization and the configured ones, and a trigger that adds new users to the default
 * one. It is a step by itself because it locks the users' table against writers.
 */
export function makeOrganizations(context: StageContext): TransactionStep {
  const { tenancy, settings } = context;
  const { organizations, users, helpers } = tenancy;
  const known = [settings.defaultOrganization, ...settings.organizations];
  return {
    id: "day1/joining",
    title: "create the organizations, and a trigger that adds new users",
    table: organizations,
    mode: "transaction",
    lock: { level: "SHARE ROW EXCLUSIVE", on: [users.relation] },
    up: [
      sql`INSERT INTO ${ident(organizations)} (id, name, slug, status)
VALUES ${list(
        known.map(
          ({ name, slug }) => sql`(${organizationId(slug)}::uuid, ${name}, ${slug}, 'active')`,
        ),
        ",\n       ",
      )}`,
      ...joinOnSigningUp(context),
    ],
    down: {
      kind: "lossy",
      loses: "the organizations and who belongs to them",
      sql: [
        // CASCADE also drops the trigger, which only the owner of the users' table could drop.
        sql`DROP FUNCTION IF EXISTS ${ident(helpers.joinDefaultOrganization)}() CASCADE`,
      ],
    },
    verify: [
      forNow(
        none(
          "every configured organization exists",
          sql`
            SELECT format('organization %s does not exist', wanted.slug) AS violation
              FROM unnest(${known.map(({ slug }) => slug)}::text[]) AS wanted (slug)
             WHERE NOT EXISTS (SELECT FROM ${ident(organizations)} o WHERE o.slug = wanted.slug)
          `,
        ),
      ),
    ],
  };
}

/** A membership for every existing user; users who signed up meanwhile have one already. */
export function fillOrganizations(context: StageContext): TransactionStep {
  const { tenancy, settings } = context;
  const { organizations, memberships, users } = tenancy;
  return {
    id: "day1/memberships",
    title: "create a membership for every existing user",
    table: memberships,
    mode: "transaction",
    lock: { level: "ROW EXCLUSIVE", on: [memberships] },
    up: [
      sql`INSERT INTO ${ident(memberships)} (organization_id, user_id, role)
SELECT ${organizationOfUser(context)},
       record.${ident(users.id)},
       CASE
         WHEN ${condition(settings.users.owners)} THEN 'owner'
         WHEN ${condition(settings.users.admins)} THEN 'admin'
         ELSE 'member'
       END
  FROM ${ident(users.relation)} AS record
 WHERE NOT EXISTS (SELECT
                     FROM ${ident(memberships)} AS membership
                    WHERE membership.user_id = record.${ident(users.id)})
    ON CONFLICT DO NOTHING`,
    ],
    down: { kind: "covered", by: "day1/organizations" },
    // Not lasting: after Day 3 a user may belong to none, and an organization may have no owner.
    verify: [
      forNow(
        none(
          "every user belongs to an organization",
          sql`
            SELECT format('user %s belongs to no organization', record.${ident(users.id)}) AS violation
              FROM ${ident(users.relation)} AS record
             WHERE NOT EXISTS (SELECT FROM ${ident(memberships)} m WHERE m.user_id = record.${ident(users.id)})
             LIMIT 5
          `,
        ),
      ),
      forNow(
        none(
          "every organization with members has an owner",
          sql`
            SELECT format('organization %s has %s members and no owner', o.slug, count(*)) AS violation
              FROM ${ident(organizations)} o
              JOIN ${ident(memberships)} m ON m.organization_id = o.id
             GROUP BY o.id, o.slug
            HAVING bool_and(m.role <> 'owner')
             LIMIT 5
          `,
        ),
      ),
    ],
  };
}

/** A configured condition. The newline, because it may end in a comment. */
function condition(text: string): Sql {
  return raw(`(${text}\n)`);
}

function organizationOfUser({ settings, tenancy }: StageContext): Sql {
  const fallback = sql`${literal(tenancy.defaultOrganizationId)}::uuid`;
  if (settings.organizations.length === 0) return fallback;
  const cases = settings.organizations.map(
    ({ users, slug }) => sql`WHEN ${condition(users)} THEN ${literal(organizationId(slug))}::uuid`,
  );
  return sql`CASE ${list(cases, " ")} ELSE ${fallback} END`;
}

/**
 * Users who sign up before Day 3 ends join the default organization. Deferred to the end of their
 * transaction: a user who gets another organization in it does not join a second one.
 */
function joinOnSigningUp({ tenancy }: StageContext): Sql[] {
  const { helpers, users } = tenancy;
  return [
    joinDefaultOrganization(tenancy, "until Day 3"),
    sql`CREATE CONSTRAINT TRIGGER ${ident(helpers.joinDefaultOrganization.name)}
  AFTER INSERT ON ${ident(users.relation)}
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW
  EXECUTE FUNCTION ${ident(helpers.joinDefaultOrganization)}()`,
  ];
}

/**
 * The function of that trigger. Day 3 empties it and leaves the trigger, which only the owner of the
 * users' table could drop: on Supabase that is another role.
 */
export function joinDefaultOrganization(
  { helpers, memberships, users, defaultOrganizationId }: Tenancy,
  when: "until Day 3" | "never",
): Sql {
  const join = sql`
  INSERT INTO ${ident(memberships)} (organization_id, user_id)
  SELECT ${literal(defaultOrganizationId)}, NEW.${ident(users.id)}
   WHERE NOT EXISTS (SELECT FROM ${ident(memberships)} AS membership
                      WHERE membership.user_id = NEW.${ident(users.id)})
     AND EXISTS (SELECT FROM ${ident(users.relation)} AS record
                  WHERE record.${ident(users.id)} = NEW.${ident(users.id)});`;
  const body = when === "never" ? sql`` : sql`${raw("\n  ")}${join}`;
  return sql`CREATE OR REPLACE FUNCTION ${ident(helpers.joinDefaultOrganization)}()
  RETURNS trigger
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS ${functionBody(sql`
BEGIN${body}
  RETURN NULL;
END`)}`;
}

/** The plan's policies of the two tables, without their recursion, and a restrictive guard for each. */
export function fenceOrganizations({ tenancy }: StageContext): TransactionStep {
  const { organizations, memberships, helpers } = tenancy;
  const names = organizationPolicies;
  const own = isOneOf("id", helpers.callerOrganizations);
  const administered = isOneOf("id", helpers.callerAdministers);
  const members = isOneOf("organization_id", helpers.callerOrganizations);
  return {
    id: "day1/policies",
    title: "fence the organizations and their memberships",
    table: organizations,
    mode: "transaction",
    lock: { level: "ACCESS EXCLUSIVE", on: [organizations, memberships] },
    up: [
      guard(organizations, names.organizations.guard, own),
      sql`CREATE POLICY ${ident(names.organizations.view)}
  ON ${ident(organizations)}
  FOR SELECT
  USING (${own})`,
      sql`CREATE POLICY ${ident(names.organizations.update)}
  ON ${ident(organizations)}
  FOR UPDATE
  USING (${administered})
  WITH CHECK (${administered})`,
      guard(memberships, names.memberships.guard, members),
      sql`CREATE POLICY ${ident(names.memberships.view)}
  ON ${ident(memberships)}
  FOR SELECT
  USING (${members})`,
    ],
    down: {
      kind: "exact",
      sql: [
        dropPolicy(names.memberships.view, memberships),
        dropPolicy(names.memberships.guard, memberships),
        dropPolicy(names.organizations.update, organizations),
        dropPolicy(names.organizations.view, organizations),
        dropPolicy(names.organizations.guard, organizations),
      ],
    },
    verify: [
      guardStands(
        organizations,
        organizations.name,
        names.organizations.guard,
        helpers.callerOrganizations,
      ),
      guardStands(
        memberships,
        memberships.name,
        names.memberships.guard,
        helpers.callerOrganizations,
      ),
    ],
  };
}

function guard(relation: RelationName, name: string, condition: Sql): Sql {
  return sql`CREATE POLICY ${ident(name)}
  ON ${ident(relation)}
  AS RESTRICTIVE
  FOR ALL
  USING (${condition})
  WITH CHECK (${condition})`;
}

function dropPolicy(name: string, relation: RelationName): Sql {
  return sql`DROP POLICY IF EXISTS ${ident(name)} ON ${ident(relation)}`;
}
