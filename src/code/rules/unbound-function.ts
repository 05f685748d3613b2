import type { Rule } from "../rule.ts";

export const unboundFunction: Rule = {
  id: "unbound-function",
  level: "warning",
  title: "The service role calls a database function without the organization",
  why: "Row-level security does not apply to what the function reads and writes.",
  find(entry, { project }) {
    if (entry.kind !== "rpc" || entry.client.kind === "user-key") return undefined;
    const { code, names } = project.settings;
    const { organization } = code[entry.part];
    const text = entry.node.getText();
    return text.includes(organization) || text.includes(names.organizationColumn)
      ? undefined
      : {
          fact: `calls ${entry.name}`,
          fix: `pass ${organization}, and filter by it in the function`,
        };
  },
};
