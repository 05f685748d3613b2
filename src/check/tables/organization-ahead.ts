import { rowsOf, type Side } from "../../catalog/crossing/crossing-rows.ts";
import { rootOf } from "../../catalog/partitions.ts";
import type { Relation } from "../../catalog/relations.ts";
import { findRelation } from "../../catalog/snapshot.ts";
import { relationKey } from "../../config/relation-name.ts";
import type { TenantTable } from "../../config/settings.ts";
import { ident, list, literal, type RelationName, raw, type Sql, sql } from "../../postgres/sql.ts";
import { organizationId } from "../../steps/model/naming.ts";
import type { CheckContext } from "../check.ts";

/** The column of the organization in the query, which no table has. */
const column = "~organization";

/** A tenant table with the organizations that its rows will have. */
export type SideAhead = Side & {
  /** Whether a row's organization depends on the table's source still. */
  readonly ahead: boolean;
  /** Whether it has the column already, with NULL in it or without. */
  readonly hasColumn: boolean;
};

/**
 * A tenant table with the organization that each of its rows will have, as a query: what its column holds
 * already, else what its source gives. Memberships are those that Day 1 will make, where it has not yet.
 * @returns undefined where the table is no tenant table, or not there
 */
export function sideAhead(
  context: CheckContext,
  relation: RelationName,
  below: readonly string[] = [],
): SideAhead | undefined {
  const { settings, snapshot } = context;
  const existing = findRelation(snapshot, relation);
  if (existing === undefined) return undefined;
  // A partition has the source of its table.
  const root = rootOf(snapshot.relations, existing);
  const table = tenantTable(context, root);
  const key = relationKey(relation);
  if (table === undefined || below.includes(key)) return undefined;
  const { organizationColumn } = settings.names;
  const there = existing.columns.find(({ name }) => name === organizationColumn);
  const rows = rowsOf(existing);
  if (there?.notNull === true) {
    return {
      relation: existing,
      from: rows,
      column: organizationColumn,
      ahead: false,
      hasColumn: true,
    };
  }
  const told = toldAhead(context, table, root, [...below, key]);
  if (told === undefined) return undefined;
  const given = [
    ...(there === undefined ? [] : [sql`record.${ident(organizationColumn)}`]),
    told.organization,
    ...(table.unattributed === "default" ? [byDefault(context)] : []),
  ];
  const from = sql`(SELECT record.*, coalesce(${list(given)}) AS ${ident(column)} FROM ${rows} AS record ${told.join})`;
  return { relation: existing, from, column, ahead: true, hasColumn: there !== undefined };
}

/** The tenant table of this name in the configuration. */
export function tenantTable(
  { settings }: CheckContext,
  relation: RelationName,
): TenantTable | undefined {
  const key = relationKey(relation);
  return [...settings.tables.day1, ...settings.tables.day2].find(
    (one) => relationKey(one.relation) === key,
  );
}

/** What a source gives the row `record`, and what has to be joined for it. */
type Told = { readonly organization: Sql; readonly join: Sql };

function toldAhead(
  context: CheckContext,
  { source }: TenantTable,
  root: Relation,
  below: readonly string[],
): Told | undefined {
  switch (source.kind) {
    case "default":
      return { organization: byDefault(context), join: sql`` };
    case "via": {
      const key = root.foreignKeys.find(
        (one) => one.own && one.columns.length === 1 && one.columns[0] === source.column,
      );
      const [referenced] = key?.referencedColumns ?? [];
      if (key === undefined || referenced === undefined) return undefined;
      const parent = sideAhead(context, { schema: key.schema, name: key.table }, below);
      if (parent === undefined) return undefined;
      return {
        organization: sql`told.${ident(parent.column)}`,
        join: sql`LEFT JOIN ${parent.from} AS told ON told.${ident(referenced)} = record.${ident(source.column)}`,
      };
    }
    case "user":
      return {
        organization: sql`told.organization_id`,
        join: sql`LEFT JOIN ${usersAhead(context)} AS told ON told.user_id = record.${ident(source.column)}`,
      };
    case "sql":
      return { organization: sql`(${raw(`${source.expression}\n`)})`, join: sql`` };
    default:
      return source satisfies never;
  }
}

/** The users with the organization of each; those of several are left out. */
function usersAhead(context: CheckContext): Sql {
  const { settings, snapshot } = context;
  const { memberships } = settings.names;
  if (findRelation(snapshot, memberships) !== undefined) {
    return sql`(SELECT membership.user_id,
               (array_agg(membership.organization_id))[1] AS organization_id
          FROM ${ident(memberships)} AS membership
         GROUP BY membership.user_id
        HAVING count(*) = 1)`;
  }
  const cases = settings.organizations.map(
    ({ users, slug }) =>
      sql`WHEN ${raw(`(${users}\n)`)} THEN ${literal(organizationId(slug))}::uuid`,
  );
  const organization =
    cases.length === 0
      ? byDefault(context)
      : sql`CASE ${list(cases, " ")} ELSE ${byDefault(context)} END`;
  return sql`(SELECT record.${ident(settings.users.id)} AS user_id, ${organization} AS organization_id
          FROM ${ident(settings.users.relation)} AS record)`;
}

function byDefault({ settings }: CheckContext): Sql {
  return sql`${literal(organizationId(settings.defaultOrganization.slug))}::uuid`;
}

/** Where a table's organizations come from, in words. */
export function sourceInWords({ source }: TenantTable): string {
  switch (source.kind) {
    case "default":
      return "by default";
    case "via":
      return `via ${source.column}`;
    case "user":
      return `by ${source.column}`;
    case "sql":
      return "by SQL";
    default:
      return source satisfies never;
  }
}
