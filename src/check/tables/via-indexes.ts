import { type Found, type PreflightCheck, quoted, tablesAhead } from "../check.ts";

export const viaIndexes: PreflightCheck = {
  id: "via-indexes",
  title: "an index on each column that a table takes its organization from (via)",
  why: "without it, deleting or moving a parent row, and comparing its children with it, scans the whole table",
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
