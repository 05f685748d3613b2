import { z } from "zod";
import { findRelation } from "../../catalog/snapshot.ts";
import { ident, type Sql, sql } from "../../postgres/sql.ts";
import {
  type CheckContext,
  type Found,
  type PreflightCheck,
  quoted,
  type TableAhead,
  tablesAhead,
} from "../check.ts";

/** Rows of one kind whose organization cannot be determined. */
type UnattributedRows = { readonly fact: string; readonly rows: Sql; readonly fix: string };

export const unattributedRows: PreflightCheck = {
  id: "unattributed-rows",
  title: "rows whose organization cannot be determined",
  why: "after a stage every row must have an organization: the stage would fail and be rolled back",
  // On a large table the check can run into its timeout, which must not stop a run.
  stops: [],
  async find(context) {
    const found: Found[] = [];
    for (const table of tablesAhead(context)) {
      if (table.unattributed === "default" || isFilled(context, table)) continue;
      for (const { fact, rows, fix } of kindsOfRows(context, table)) {
        const [row] = await context.queries.rows(
          sql`SELECT EXISTS (${rows}) AS some`,
          z.object({ some: z.boolean() }),
        );
        if (row?.some !== true) continue;
        const object = table.relation.name;
        const otherwise = `, or set unattributed: "default" for the table`;
        found.push({
          severity: "blocking",
          what: { object, fact },
          fix: `${fix}${otherwise}`,
        });
      }
    }
    return found;
  },
};

function isFilled({ settings }: CheckContext, { existing }: TableAhead): boolean {
  const { organizationColumn } = settings.names;
  return existing.columns.some(({ name, notNull }) => name === organizationColumn && notNull);
}

/** The kinds that the catalog does not rule out. A source in SQL may need tables that Day 1 creates. */
function kindsOfRows(context: CheckContext, table: TableAhead): readonly UnattributedRows[] {
  const { source, existing } = table;
  if (source.kind === "default" || source.kind === "sql") return [];
  const { column } = source;
  const record = sql`record.${ident(column)}`;
  const rows = (condition: Sql) => sql`
    SELECT
      FROM ${ident(table.relation)} AS record
     WHERE ${condition}
  `;
  const select = `SELECT * FROM ${quoted(table.relation)} AS record WHERE`;
  const empty = existing.columns.some(({ name, notNull }) => name === column && !notNull);
  return [
    ...(empty
      ? [
          {
            fact: `has rows whose ${column} is NULL`,
            rows: rows(sql`${record} IS NULL`),
            fix: `set it (${select} ${quoted(column)} IS NULL)`,
          },
        ]
      : []),
    ...(source.kind === "user" ? ofUsers(context, record, rows) : []),
  ];
}

/** Before Day 1 there are no memberships; Day 1 gives every user one. */
function ofUsers(
  { settings, snapshot }: CheckContext,
  record: Sql,
  rows: (condition: Sql) => Sql,
): readonly UnattributedRows[] {
  const { users, names } = settings;
  const memberships = findRelation(snapshot, names.memberships);
  if (memberships === undefined) return [];
  const odd = sql`
    SELECT users.${ident(users.id)}
      FROM ${ident(users.relation)} AS users
      LEFT JOIN ${ident(names.memberships)} AS membership ON membership.user_id = users.${ident(users.id)}
     GROUP BY users.${ident(users.id)}
    HAVING count(membership.organization_id) <> 1
  `;
  return [
    {
      fact: "has rows of users who are a member of no organization, or of several",
      rows: rows(sql`${record} IN (${odd})`),
      fix: `each of these users must have exactly one row in ${quoted(names.memberships)}`,
    },
  ];
}
