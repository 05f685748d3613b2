import { shortText } from "../reading/syntax.ts";
import type { Rule } from "../rule.ts";

export const otherLibrary: Rule = {
  id: "other-library",
  level: "warning",
  title: "A query goes through a library that Tenantry does not read",
  why: "Tenantry cannot tell whether it names the organization.",
  find(entry, { project }) {
    if (entry.kind !== "other") return undefined;
    const { names } = project.settings;
    return {
      fact: `queries with ${entry.library}: ${shortText(entry.node)}`,
      fix: `check that it names ${names.organizationColumn}, then add // tenantry: all-organizations because …`,
    };
  },
};
