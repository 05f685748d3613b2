import { stateOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const sharedPath: Rule = {
  id: "shared-path",
  level: "warning",
  title: "A file's path in a bucket does not name the organization",
  why: "Storage policies decide by path: without the organization in it, they cannot tell tenants apart.",
  find(entry, inventory) {
    if (entry.kind !== "storage" || stateOf(entry, inventory) !== "unfenced") return undefined;
    const { organization } = inventory.project.settings.code[entry.part];
    return {
      fact: `${entry.method} in ${entry.bucket} at ${entry.path?.getText() ?? "no path"}`,
      fix: `begin the path with it: \`\${${organization}}/…\`; existing files must be moved`,
    };
  },
};
