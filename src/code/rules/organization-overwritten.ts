import { isNothing } from "../reading/syntax.ts";
import type { Rule } from "../rule.ts";

export const organizationOverwritten: Rule = {
  id: "organization-overwritten",
  level: "error",
  title: "An update can move a row into another organization",
  why: "What the caller sends is written unchanged, and it may contain an organization.",
  find(entry, { project, tables }) {
    if (entry.kind !== "chain" || entry.operation !== "update") return undefined;
    if (!entry.relations.some(tables.hasOrganization)) return undefined;
    const { code, names } = project.settings;
    const column = names.organizationColumn;
    const own = code[entry.part].organization;
    for (const { judgement } of entry.payload?.rows ?? []) {
      switch (judgement.kind) {
        case "absent":
          break;
        case "set":
          if (isNothing(judgement.value) || judgement.value.getText() === own) break;
          return {
            fact: `sets ${column} to ${judgement.value.getText()}`,
            fix: `leave ${column} out, or // tenantry: all-organizations because …`,
          };
        case "overridden":
          return {
            fact: `a later property may override ${column}`,
            fix: `${column}: undefined as the last property`,
          };
        case "hidden":
          return {
            fact: `may contain ${column}: it is not an object literal`,
            fix: `{ ...payload, ${column}: undefined }: supabase-js does not send undefined`,
          };
        default:
          judgement satisfies never;
      }
    }
    return undefined;
  },
};
