import type { Settings, TenantTable } from "../config/settings.ts";
import { configuredName } from "../config/settings.ts";

/** The tables of a configuration as a Markdown table: whose rows, and who may write. */
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
      return "the writer's own";
    case "via":
      return `that of the row in \`${from.column}\`, where the writer names none`;
    case "user":
      return `that of the user in \`${from.column}\`, where the writer names none`;
    case "sql":
      return "by a rule of its own, where the writer names none";
    default:
      return from satisfies never;
  }
}

function writers({ access }: TenantTable): string {
  return access === "members" ? "every member" : "owners and admins";
}

/** Who a request is, in words for whoever writes a client. */
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

/** Tables that belong to nobody, with the reasons. */
export function others(settings: Settings): string {
  const lines = [
    ...settings.shared.map(
      ({ relation, reason }) =>
        `- \`${configuredName(relation, settings)}\`: read by all, written by no tenant (${reason})`,
    ),
    ...settings.exempt.map(
      ({ relation, reason }) =>
        `- \`${configuredName(relation, settings)}\`: not a tenant's (${reason})`,
    ),
  ];
  return lines.length === 0 ? "There are none." : lines.join("\n");
}
