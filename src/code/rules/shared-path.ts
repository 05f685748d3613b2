import { stateOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const sharedPath: Rule = {
  id: "shared-path",
  level: "warning",
  title: "A file's path in a bucket does not begin with the organization",
  why: "Policies of a bucket go by the path; one without the organization is every tenant's.",
  find(entry, inventory) {
    if (entry.kind !== "storage" || stateOf(entry, inventory) !== "unfenced") return undefined;
    const { organization } = inventory.project.settings.code[entry.part];
    return {
      fact: `${entry.method} in ${entry.bucket} at ${entry.path?.getText() ?? "no path"}`,
      fix: `\`\${${organization}}/…\`; files that are there already have to be moved`,
    };
  },
};
