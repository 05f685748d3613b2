import type { Settings, TenantTable } from "../config/settings.ts";
import { configuredName } from "../config/settings.ts";

/** The configured tenant tables as a Markdown table: where a row's organization comes from, and who may write. */
export function tenantTables(settings: Settings): string {
  const tables = [...settings.tables.day1, ...settings.tables.day2];
  const rows = tables.map(
    (table) =>
      `| \`${configuredName(table.relation, settings)}\` | ${source(table)} | ${writers(table)} |`,
  );
  return ["| table | a row's organization | who writes |", "| --- | --- | --- |", ...rows].join(
    "\n",
  );
}

function source({ source: from }: TenantTable): string {
  switch (from.kind) {
    case "default":
      return "the writer's organization";
    case "via":
      return `that of the row in \`${from.column}\`, unless the writer sets one`;
    case "user":
      return `that of the user in \`${from.column}\`, unless the writer sets one`;
    case "sql":
      return "from an SQL expression, unless the writer sets one";
    default:
      return from satisfies never;
  }
}

function writers({ access }: TenantTable): string {
  return access === "members" ? "every member" : "owners and admins";
}

/** What identifies the caller of a request, in words. */
export function identity({ identity: how }: Settings): string {
  switch (how.kind) {
    case "supabase":
      return "the access token (`Authorization: Bearer …`), as Supabase issues it";
    case "jwt-claim":
      return `the claim \`${how.claim}\` of the token (\`Authorization: Bearer …\`)`;
    case "setting":
      return `the setting \`${how.setting}\` of the session, which the application sets for each request with \`SET LOCAL\``;
    default:
      return how satisfies never;
  }
}

/** Tables that do not belong to an organization, with the reasons. */
export function others(settings: Settings): string {
  const lines = [
    ...settings.shared.map(
      ({ relation, reason }) =>
        `- \`${configuredName(relation, settings)}\`: shared: everybody reads it, no tenant writes it (${reason})`,
    ),
    ...settings.exempt.map(
      ({ relation, reason }) => `- \`${configuredName(relation, settings)}\`: exempt (${reason})`,
    ),
  ];
  return lines.length === 0 ? "There are none." : lines.join("\n");
}
