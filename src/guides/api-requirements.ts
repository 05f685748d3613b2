import type { Settings } from "../config/settings.ts";
import { identity, others, tenantTables } from "./words.ts";

/** For whoever writes a client of the API. */
export function apiRequirements(settings: Settings): string {
  const { organizationColumn: column } = settings.names;
  return `# What the API asks of its clients

Every row of these tables belongs to one organization, in \`${column}\`. Who asks is told by ${identity(settings)}.

${tenantTables(settings)}

| | |
| --- | --- |
| reading | gives the rows of the organizations that the caller is a member of, whatever else is asked. Name one: \`${column}=eq.<id>\`. Without it an ordered list cannot use its index |
| inserting | say \`${column}\`. Left out, it is the one that the table above says; where that is not one, the caller's own; where the caller is a member of several or none, it is refused |
| another organization's \`${column}\` | is refused: \`42501 new row violates row-level security policy\`, HTTP 403 |
| updating, deleting | touches nothing of other organizations: 0 rows, no error |
| \`on_conflict\` | names the columns of the constraint with \`${column}\` first, where it became one for each organization |
| the service role's key | is bound by no fence: each query must name its organization. Never in a browser |
| \`TRUNCATE\` | is nobody's |

Other tables:

${others(settings)}
`;
}
