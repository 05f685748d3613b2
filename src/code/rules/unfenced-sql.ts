import { stateOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const unfencedSql: Rule = {
  id: "unfenced-sql",
  level: "error",
  title: "SQL on a tenant table does not name the organization",
  why: "A driver connects with a role of its own, which row-level security often does not bind.",
  find(entry, inventory) {
    if (entry.kind !== "sql" || stateOf(entry, inventory) !== "unfenced") return undefined;
    const column = inventory.project.settings.names.organizationColumn;
    const names = entry.relations.filter(inventory.tables.hasOrganization).map(({ name }) => name);
    return {
      fact:
        entry.unread === undefined
          ? `asks ${[...new Set(names)].join(", ")} without ${column}`
          : `asks ${[...new Set(names)].join(", ")} by a text that cannot be read: ${entry.unread}`,
      fix: `AND ${column} = $n with the organization among the parameters`,
    };
  },
};
