import { stateOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const sharedCache: Rule = {
  id: "shared-cache",
  level: "warning",
  title: "A cache key does not name the organization",
  why: "In the same browser, the next tenant sees what the last one stored.",
  find(entry, inventory) {
    if (entry.kind !== "cache" || stateOf(entry, inventory) !== "unfenced") return undefined;
    const { organization } = inventory.project.settings.code[entry.part];
    const key = entry.key?.getText().replace(/\s+/g, " ");
    return entry.store === "service-worker" || entry.store === "cache-api"
      ? {
          fact: `stores responses by URL (${key ?? entry.method})`,
          fix: "clear it when the organization changes, or do not store responses with tenants' data",
        }
      : {
          fact: `stores ${key ?? "a value"} for every organization`,
          fix: `add ${organization} to the key, or add the key to code.sharedKeys`,
        };
  },
};
