import { isCallerInput } from "../fence/caller-input.ts";
import { fenceOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const organizationFromRequest: Rule = {
  id: "organization-from-request",
  level: "error",
  title: "The organization comes from the request",
  why: "A caller can name any organization, and row-level security does not apply to the service role.",
  find(entry, { project, symbols, tables }) {
    if (entry.kind !== "chain" || entry.client.kind === "user-key") return undefined;
    if (!entry.relations.some(tables.hasOrganization)) return undefined;
    const written = (entry.payload?.rows ?? []).flatMap(({ judgement }) =>
      judgement.kind === "set" ? [judgement.value] : [],
    );
    const filter = fenceOf(entry, project.settings.names.organizationColumn)?.value;
    const values = filter === undefined ? written : [...written, filter];
    const sent = values.find((value) => isCallerInput(symbols, value));
    return sent === undefined
      ? undefined
      : {
          fact: `${sent.getText()} comes from the request`,
          fix: "read it from the caller's memberships, with the user's own key",
        };
  },
};
