import { fenceOf } from "../fence.ts";
import type { Rule } from "../rule.ts";

export const embeddedTable: Rule = {
  id: "embedded-table",
  level: "error",
  title: "A tenant table is reached through a table without organizations",
  why: "With the service role the embedded rows are of all tenants.",
  find(entry, { project, tables }) {
    if (entry.kind !== "chain" || entry.client.kind === "user-key") return undefined;
    const { code, names } = project.settings;
    if (entry.relations.some(tables.hasOrganization)) return undefined;
    const reached = entry.embeds.filter((name) => tables.hasOrganization(tables.relationOf(name)));
    const open = reached.filter(
      (name) => fenceOf(entry, `${name}.${names.organizationColumn}`) === undefined,
    );
    const [first] = open;
    return first === undefined
      ? undefined
      : {
          fact: `its select reaches ${open.join(", ")}`,
          mend: `.eq('${first}.${names.organizationColumn}', ${code[entry.part].organization})`,
        };
  },
};
