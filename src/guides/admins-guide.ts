import type { Settings } from "../config/settings.ts";
import { ident, type Sql, sql, toScript } from "../postgres/sql.ts";

/** For whoever makes organizations and answers for them. */
export function adminsGuide(settings: Settings): string {
  const organizations = ident(settings.names.organizations);
  const memberships = ident(settings.names.memberships);
  const users = ident(settings.users.relation);
  const bySlug = sql`(SELECT id FROM ${organizations} WHERE slug = 'alpha-corp')`;
  return `# Organizations, for administrators

The statements below are run as the tables' owner: nobody makes organizations or memberships by the API.

## A new customer

${script(
  sql`INSERT INTO ${organizations} (name, slug)
VALUES ('Alpha Corp', 'alpha-corp')`,
  sql`INSERT INTO ${memberships} (organization_id, user_id, role)
SELECT ${bySlug}, ${ident(settings.users.id)}, 'owner'
  FROM ${users}
 WHERE email = 'owner@alpha.example'`,
)}

Every organization has an owner. A new user is a member of none until they are put into one.

## Roles

| role | reads | writes |
| --- | --- | --- |
| \`owner\` | all of the organization's | all of it, and the organization's name and settings |
| \`admin\` | all of it | the same |
| \`member\` | all of it | what is not for owners and admins |

Memberships are written by nobody through the API. Where owners invite people themselves, a function of your
application's does it with the service role, once it has checked that the caller is an owner or admin.

${script(
  sql`UPDATE ${memberships}
   SET role = 'admin'
 WHERE organization_id = ${bySlug}
   AND user_id = '…'`,
)}

## Somebody leaves

${script(
  sql`DELETE FROM ${memberships}
 WHERE organization_id = ${bySlug}
   AND user_id = '…'`,
)}

From the next query on they see nothing of it, also with a token that is still valid.

## A customer leaves

Export first; then \`status = 'suspended'\` ends jobs for the organization. Deleting it deletes memberships, and
is refused while rows of it are there: delete those first, children before parents.

## Watching

| when | what |
| --- | --- |
| each night, in CI | \`tenantry audit --drift\`: what changed in the fence since Day 3 |
| after each deployment | \`tenantry --stage day3 --verify\`, or on a clone: \`--on-clone\` |
| each week | \`tenantry audit\`: ways out for tenants' data, by the catalog |

## Somebody saw what is not theirs

1. Say when, who, and what: keep the request and the answer.
2. \`tenantry --stage day3 --verify\` and \`tenantry audit --drift\` say whether the fence stands.
3. It stands: look for the service role's key (\`tenantry code check\`), caches, and exports.
4. It does not: what is listed is what to fix, with the SQL. \`tenantry rollback\` is no fixing: it takes
   the fence away.
`;
}

function script(...statements: readonly Sql[]): string {
  return `\`\`\`sql\n${statements.map(toScript).join("\n")}\n\`\`\``;
}
