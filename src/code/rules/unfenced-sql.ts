import { stateOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const unfencedSql: Rule = {
  id: "unfenced-sql",
  level: "error",
  title: "SQL on a tenant table does not name the organization",
  why: "Row-level security often does not apply to the role that the driver connects with.",
  find(entry, inventory) {
    if (entry.kind !== "sql" || stateOf(entry, inventory) !== "unfenced") return undefined;
    const column = inventory.project.settings.names.organizationColumn;
    const names = entry.relations.filter(inventory.tables.hasOrganization).map(({ name }) => name);
    return {
      fact:
        entry.unread === undefined
          ? `uses ${[...new Set(names)].join(", ")} without ${column}`
          : `uses ${[...new Set(names)].join(", ")} in SQL that cannot be read: ${entry.unread}`,
      fix: `add AND ${column} = $n, with the organization as a parameter`,
    };
  },
};
