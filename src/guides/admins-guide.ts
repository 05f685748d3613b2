import type { Settings } from "../config/settings.ts";
import { ident, type Sql, sql, toScript } from "../postgres/sql.ts";

/** The guide for people who create organizations and answer for them. */
export function adminsGuide(settings: Settings): string {
  return [
    `# Organizations, for administrators

Run the statements below as the owner of the tables. No request can create organizations or memberships
through the API.
`,
    membershipSections(settings),
    operationSections,
  ].join("\n");
}

function membershipSections(settings: Settings): string {
  const organizations = ident(settings.names.organizations);
  const memberships = ident(settings.names.memberships);
  const users = ident(settings.users.relation);
  const bySlug = sql`(SELECT id FROM ${organizations} WHERE slug = 'alpha-corp')`;
  return `## A new customer

${script(
  sql`INSERT INTO ${organizations} (name, slug)
VALUES ('Alpha Corp', 'alpha-corp')`,
  sql`INSERT INTO ${memberships} (organization_id, user_id, role)
SELECT ${bySlug}, ${ident(settings.users.id)}, 'owner'
  FROM ${users}
 WHERE email = 'owner@alpha.example'`,
)}

Give every organization an owner. A new user is not a member of any organization until you add the user to one.

## Roles

| role | reads | writes |
| --- | --- | --- |
| \`owner\` | all rows of the organization | all rows of the organization, and its name and settings |
| \`admin\` | all rows of the organization | the same as an owner |
| \`member\` | all rows of the organization | all tables except those for owners and admins |

No request can write memberships through the API. If owners invite people themselves, write a function of your
application that checks that the caller is an owner or admin, and then inserts the membership with the service role.

${script(
  sql`UPDATE ${memberships}
   SET role = 'admin'
 WHERE organization_id = ${bySlug}
   AND user_id = '…'`,
)}

## A user leaves

${script(
  sql`DELETE FROM ${memberships}
 WHERE organization_id = ${bySlug}
   AND user_id = '…'`,
)}

From their next query on, they see no row of the organization, even with a token that is still valid.
`;
}

const operationSections = `## A customer leaves

Export the customer's rows first. Then set \`status = 'suspended'\`, so that your jobs skip the organization.
Deleting the organization deletes its memberships. PostgreSQL refuses to delete it while rows of it exist: delete
those first, children before parents.

## Monitoring

| when | command |
| --- | --- |
| every night, in CI | \`tenantry audit --drift\`: compares what isolation depends on with the state after Day 3 |
| after each deployment | \`tenantry --stage day3 --verify\`; to try it on a copy: \`--on-clone\` |
| every week | \`tenantry audit\`: searches the catalog for ways to read or change another tenant's rows |

## A user saw rows of another organization

1. Write down when, which user, and which rows. Keep the request and the response.
2. Run \`tenantry --stage day3 --verify\` and \`tenantry audit --drift\`. They show whether isolation holds.
3. If it holds, check where the service role's key is used (\`tenantry code check\`), caches, and exports.
4. If it does not, run the SQL that is printed for each finding. Do not run \`tenantry rollback\`: it removes
   row-level security.
`;

function script(...statements: readonly Sql[]): string {
  return `\`\`\`sql\n${statements.map(toScript).join("\n")}\n\`\`\``;
}
