import { stateOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const insertWithoutOrganization: Rule = {
  id: "insert-without-organization",
  level: "error",
  title: "A row is written without its organization, or with one that may be overridden",
  why: "After Day 3 no default fills the column, so the insert fails. A spread after it lets the caller choose the organization.",
  find(entry, inventory) {
    if (entry.kind !== "chain" || stateOf(entry, inventory) !== "unfenced") return undefined;
    if (entry.operation !== "insert" && entry.operation !== "upsert") return undefined;
    const { code, names } = inventory.project.settings;
    const column = names.organizationColumn;
    const kinds = entry.payload?.rows.map(({ judgement }) => judgement.kind) ?? [];
    return {
      fact: kinds.includes("overridden")
        ? `a later property may override ${column}`
        : kinds.includes("set")
          ? `${column} is not set in every row`
          : `${column} is not set (${entry.payload?.form ?? "no payload"})`,
      fix: `${column}: ${code[entry.part].organization} as the last property of each row`,
    };
  },
};
