import type { Settings } from "../config/settings.ts";
import { nextTable } from "./next-table.ts";

/** For whoever adds the next table or the next query. */
export function developersGuide(settings: Settings): string {
  const { organizationColumn: column } = settings.names;
  const { hook, organization } = settings.code.app;
  const asked =
    hook === undefined
      ? `const ${organization} = …; // of the caller's membership`
      : `const { ${organization} } = ${hook.name}();`;
  return `# The next table, the next query

## A table

${"```"}sql
${nextTable(settings)}
${"```"}

All of it in one migration: a table without its policies is open, and one with policies that are not enabled
is, too. What must be unique is so for each organization: \`${column}\` first. A foreign key to another tenant
table should carry \`${column}\` as well, or a row can point into another organization.

Then name it in \`tenantry.config.ts\` (\`day2.tables\`), or in \`sharedTables\` with the reason: a table that is
named nowhere is a finding.

## A query

${"```"}ts
${asked}

const { data } = await supabase
  .from("invoices")
  .select("id, number")
  .eq("${column}", ${organization});

await supabase.from("invoices").insert({ number, ${column}: ${organization} });
${"```"}

| | |
| --- | --- |
| the order | \`${column}\` goes last in what is inserted: a spread behind it would override it |
| the service role | asks past every policy: the filter is the fence. Take the organization from the caller's verified token, never from what the caller sends |
| caches | the organization is part of every key: React Query, localStorage, files |
| realtime | \`\` filter: \`${column}=eq.\${${organization}}\` \`\` |
| for all organizations | \`// tenantry: all-organizations because …\`, right above the query |

## A function of the database

\`SECURITY DEFINER\` runs past the policies: give it the organization, check the caller's membership in it, and
pin its \`search_path\`. A view needs \`security_invoker\` (PostgreSQL 15).

## Before you push

${"```"}sh
tenantry code check                # queries that name no organization; in CI, too
tenantry audit                     # what the catalog says
tenantry --stage day3 --verify     # everybody is tried
${"```"}
`;
}
