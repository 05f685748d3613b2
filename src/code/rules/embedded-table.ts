import { fenceOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const embeddedTable: Rule = {
  id: "embedded-table",
  level: "error",
  title: "A tenant table is reached through a table without organizations",
  why: "With the service role the embedded rows are of all tenants.",
  find(entry, { project, tables }) {
    if (entry.kind !== "chain" || entry.client.kind === "user-key") return undefined;
    const { code, names } = project.settings;
    const [relation] = entry.relations;
    if (relation === undefined || entry.relations.some(tables.hasOrganization)) return undefined;
    const { embeds, unread } = entry.selection;
    const { organizationColumn: column } = names;
    const reached = embeds.map((name) => tables.relationOf(name, relation.schema));
    // A name that is no known table's may be a foreign key's, which leads to any.
    const open = reached.filter(
      (one) =>
        (tables.hasOrganization(one) || !tables.isListed(one)) &&
        fenceOf(entry, `${one.name}.${column}`) === undefined,
    );
    const [first] = open;
    if (first !== undefined) {
      const listed = open.map(({ name }) => name).join(", ");
      return {
        fact: open.some(tables.hasOrganization)
          ? `its select reaches ${listed}`
          : `its select reaches ${listed}, which may stand for a table that has tenants`,
        fix: `.eq('${first.name}.${column}', ${code[entry.part].organization})`,
      };
    }
    return unread === undefined
      ? undefined
      : {
          fact: `its select may reach any table: ${unread}`,
          fix: "write its columns out as a text",
        };
  },
};
