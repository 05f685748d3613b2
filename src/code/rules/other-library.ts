import { shortText } from "../reading/syntax.ts";
import type { Rule } from "../rule.ts";

export const otherLibrary: Rule = {
  id: "other-library",
  level: "warning",
  title: "A query goes through a library that is not read",
  why: "Whether it names the organization, nobody has looked.",
  find(entry, { project }) {
    if (entry.kind !== "other") return undefined;
    const { names } = project.settings;
    return {
      fact: `asks by ${entry.library}: ${shortText(entry.node)}`,
      fix: `look whether it names ${names.organizationColumn}, then // tenantry: all-organizations because …`,
    };
  },
};
