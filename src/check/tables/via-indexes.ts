import { type Check, type Found, quoted, tablesAhead } from "../check.ts";

export const viaIndexes: Check = {
  id: "via-indexes",
  title: "an index on each column that a table gets its organization by",
  why: "deleting or moving a parent, and comparing children with it, scans the whole table",
  stops: [],
  find: async (context) =>
    tablesAhead(context).flatMap(({ relation, source, existing }): Found[] => {
      if (source.kind !== "via") return [];
      const { column } = source;
      const served = existing.indexes.some(
        ({ columns, valid, partial }) => columns[0] === column && valid && !partial,
      );
      if (served) return [];
      return [
        {
          severity: "advisory",
          what: { object: relation.name, fact: `no index begins with ${column}` },
          fix: `CREATE INDEX CONCURRENTLY ON ${quoted(relation)} (${quoted(column)})`,
        },
      ];
    }),
};
