import type { Settings } from "../config/settings.ts";
import { identity, others, tenantTables } from "./words.ts";

/** The guide for people who write a client of the API. */
export function apiRequirements(settings: Settings): string {
  const { organizationColumn: column } = settings.names;
  return `# Requirements for clients of the API

Every row of these tables belongs to one organization, in \`${column}\`. The caller is identified by ${identity(settings)}.

${tenantTables(settings)}

| | |
| --- | --- |
| reading | returns only rows of organizations that the caller is a member of, whatever the filters are. Add a filter for one organization: \`${column}=eq.<id>\`. Without it, an ordered list cannot use the index |
| inserting | set \`${column}\`. If you do not, it is the organization in the table above; if there is none, the caller's organization; if the caller is a member of several or none, the insert is refused |
| \`${column}\` of another organization | the write is refused: \`42501 new row violates row-level security policy\`, HTTP 403 |
| updating, deleting | changes no row of other organizations: 0 rows, no error |
| \`on_conflict\` | if a unique constraint now holds in each organization, list \`${column}\` first, then its other columns |
| the service role's key | bypasses row-level security: each query must filter by organization. Never use it in a browser |
| \`TRUNCATE\` | is not allowed |

Other tables:

${others(settings)}
`;
}
