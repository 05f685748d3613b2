import type { Settings } from "../config/settings.ts";
import { nextTable } from "./next-table.ts";

/** The guide for people who add a table or a query. */
export function developersGuide(settings: Settings): string {
  const { organizationColumn: column } = settings.names;
  const { hook, organization } = settings.code.app;
  const asked =
    hook === undefined
      ? `const ${organization} = …; // of the caller's membership`
      : `const { ${organization} } = ${hook.name}();`;
  return `# Adding a table or a query

## A table

${"```"}sql
${nextTable(settings)}
${"```"}

Put all of it into one migration: a table without policies is open to every caller, and so is one whose
policies exist while row-level security is not enabled. Make unique constraints hold in each organization: put
\`${column}\` first. Include \`${column}\` in a foreign key to another tenant table: without it, a row can
reference a row of another organization.

Then add the table to \`day2.tables\` in \`tenantry.config.ts\`, or to \`sharedTables\` with the reason. The audit
reports a table that the configuration does not list.

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
| the order | put \`${column}\` last in the inserted object: a spread after it would override it |
| the service role | bypasses every policy: only the filter limits it. Take the organization from the caller's verified token, never from the request's body |
| caches | include the organization in every key: React Query, localStorage, files |
| realtime | \`\` filter: \`${column}=eq.\${${organization}}\` \`\` |
| a query for all organizations | write \`// tenantry: all-organizations because …\` on the line above it |

## A database function

A \`SECURITY DEFINER\` function of the tables' owner bypasses the policies: pass the organization as a parameter,
check that the caller is a member of it, and set the function's \`search_path\`. A view needs \`security_invoker\`
(PostgreSQL 15).

## Before you push

${"```"}sh
tenantry code check                # queries without an organization; run it in CI too
tenantry audit                     # ways around row-level security, from the catalog
tenantry --stage day3 --verify     # tries to read and change rows of other organizations
${"```"}
`;
}
