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
import type { StageContext } from "../../src/steps/model/stage.ts";
import type { TransactionStep } from "../../src/steps/model/step.ts";
import { isOneOf, type Tenancy } from "../../src/steps/model/tenancy.ts";
import { guardStands } from "../../src/steps/table/fence.ts";

/**
 * The default organization and those that the data already holds, and a trigger that lets new users
 * join: on its own, since it keeps the users' table from writers until its transaction ends.
 */
export function makeOrganizations(context: StageContext): TransactionStep {
  const { tenancy, settings } = context;
  const { organizations, users, helpers } = tenancy;
  const known = [settings.defaultOrganization, ...settings.organizations];
  return {
    id: "day1/joining",
    title: "make the organizations, and let new users join one",
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
        // CASCADE takes the trigger along, which only the owner of the users' table could drop.
        sql`DROP FUNCTION IF EXISTS ${ident(helpers.joinDefaultOrganization)}() CASCADE`,
      ],
    },
    verify: [
      forNow(
        none(
          "every organization that the data holds is there",
          sql`
            SELECT format('there is no organization %s', wanted.slug) AS violation
              FROM unnest(${known.map(({ slug }) => slug)}::text[]) AS wanted (slug)
             WHERE NOT EXISTS (SELECT FROM ${ident(organizations)} o WHERE o.slug = wanted.slug)
          `,
        ),
      ),
    ],
  };
}

/** Every existing user in an organization; those who signed up meanwhile are in one already. */
export function fillOrganizations(context: StageContext): TransactionStep {
  const { tenancy, settings } = context;
  const { organizations, memberships, users } = tenancy;
  return {
    id: "day1/memberships",
    title: "give every existing user an organization",
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
    // After Day 3 a user may belong to none, and an organization may have lost its owner.
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

/** A condition as it is configured; a comment at its end must not take the bracket along. */
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
 * Users who sign up until Day 3 ends join the default organization, as all did before. Deferred to
 * the end of their transaction: whoever is given an organization within it joins no second one.
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
 * The function of that trigger. Day 3 empties it and leaves the trigger, for only the owner of the
 * users' table could drop that, and on Supabase it belongs to somebody else.
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

/** The plan's policies of the two tables, without its recursion, each under a restrictive guard. */
export function fenceOrganizations({ tenancy }: StageContext): TransactionStep {
  const { organizations, memberships, helpers } = tenancy;
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
      guard(organizations, "Only their organization", own),
      sql`CREATE POLICY "Users view their organization"
  ON ${ident(organizations)}
  FOR SELECT
  USING (${own})`,
      sql`CREATE POLICY "Owners update their organization"
  ON ${ident(organizations)}
  FOR UPDATE
  USING (${administered})
  WITH CHECK (${administered})`,
      guard(memberships, "Only their org memberships", members),
      sql`CREATE POLICY "Users view their org memberships"
  ON ${ident(memberships)}
  FOR SELECT
  USING (${members})`,
    ],
    down: {
      kind: "exact",
      sql: [
        dropPolicy("Users view their org memberships", memberships),
        dropPolicy("Only their org memberships", memberships),
        dropPolicy("Owners update their organization", organizations),
        dropPolicy("Users view their organization", organizations),
        dropPolicy("Only their organization", organizations),
      ],
    },
    verify: [
      guardStands(
        organizations,
        organizations.name,
        "Only their organization",
        helpers.callerOrganizations,
      ),
      guardStands(
        memberships,
        memberships.name,
        "Only their org memberships",
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
