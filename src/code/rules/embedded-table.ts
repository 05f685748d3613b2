import { fenceOf } from "../fence/fence.ts";
import type { Rule } from "../rule.ts";

export const embeddedTable: Rule = {
  id: "embedded-table",
  level: "error",
  title: "A select embeds a tenant table through a table without organizations",
  why: "With the service role, the embedded rows belong to all tenants.",
  find(entry, { project, tables }) {
    if (entry.kind !== "chain" || entry.client.kind === "user-key") return undefined;
    const { code, names } = project.settings;
    const [relation] = entry.relations;
    if (relation === undefined || entry.relations.some(tables.hasOrganization)) return undefined;
    const { embeds, unread } = entry.selection;
    const { organizationColumn: column } = names;
    const reached = embeds.map((name) => tables.relationOf(name, relation.schema));
    // A name that is not a known table may be a foreign key to any table.
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
          ? `its select embeds ${listed}`
          : `its select embeds ${listed}, which may be a foreign key to a tenant table`,
        fix: `.eq('${first.name}.${column}', ${code[entry.part].organization})`,
      };
    }
    return unread === undefined
      ? undefined
      : {
          fact: `its select cannot be read and may embed any table: ${unread}`,
          fix: "write its columns as a string literal",
        };
  },
};
