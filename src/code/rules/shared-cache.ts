import { stateOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const sharedCache: Rule = {
  id: "shared-cache",
  level: "warning",
  title: "Something is kept under a key without the organization",
  why: "On the same browser the next tenant is shown what the last one left.",
  find(entry, inventory) {
    if (entry.kind !== "cache" || stateOf(entry, inventory) !== "unfenced") return undefined;
    const { organization } = inventory.project.settings.code[entry.part];
    const key = entry.key?.getText().replace(/\s+/g, " ");
    return entry.store === "service-worker" || entry.store === "cache-api"
      ? {
          fact: `keeps answers by their URL (${key ?? entry.method})`,
          fix: "empty it when the organization changes, or do not keep what tenants' tables answer",
        }
      : {
          fact: `keeps ${key ?? "something"} for every organization`,
          fix: `put ${organization} into the key, or name the key in code.sharedKeys`,
        };
  },
};
