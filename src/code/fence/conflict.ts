import type { InsertStmt, Node } from "libpg-query";
import ts from "typescript";
import type { RelationName } from "../../postgres/sql.ts";
import type { Inventory } from "../queries/inventory.ts";
import type { Chain, SqlText } from "../queries/inventory-entry.ts";
import { judge } from "../queries/payload-column.ts";
import { initializerOf, propertyOf, shortText, unwrap } from "../reading/syntax.ts";
import { stringsOf } from "../reading/table-name.ts";
import { columnOf, conjuncts, isColumn, isEquality, isEqualToValue } from "../sql/condition.ts";
import { insertsIn } from "../sql/statement.ts";

/** What is wrong with an upsert's `onConflict`. */
export type Conflict =
  | {
      readonly kind: "changed";
      readonly node: ts.StringLiteralLike;
      readonly columns: string;
      readonly becomes: string;
    }
  | { readonly kind: "unreadable"; readonly text: string };

/** The columns that an upsert names, if their unique constraint now includes the organization. */
export function conflictOf(chain: Chain, { project, tables }: Inventory): Conflict | undefined {
  const [relation] = chain.relations;
  const options = chain.operationCall?.arguments[1];
  if (chain.operation !== "upsert" || relation === undefined || options === undefined)
    return undefined;
  const changed = tables.uniquePerOrganization(relation);
  if (changed.length === 0) return undefined;
  const object = unwrap(options);
  if (!ts.isObjectLiteralExpression(object))
    return { kind: "unreadable", text: shortText(options) };
  const property = propertyOf(object, "onConflict");
  if (property === undefined)
    return object.properties.some(ts.isSpreadAssignment)
      ? { kind: "unreadable", text: shortText(options) }
      : undefined;
  const value = initializerOf(property);
  const node = value === undefined ? undefined : unwrap(value);
  if (node === undefined || !ts.isStringLiteralLike(node))
    return { kind: "unreadable", text: shortText(property) };
  const isOfOld = changed.some((columns) => sorted(columns) === sorted(node.text));
  const separator = node.text.includes(", ") ? ", " : ",";
  const becomes = `${project.settings.names.organizationColumn}${separator}${node.text}`;
  return isOfOld ? { kind: "changed", node, columns: node.text, becomes } : undefined;
}

/**
 * The columns that an upsert compares with existing rows, as they will be after Day 3: empty for the primary
 * key. Undefined where it overwrites no row, or where the columns cannot be read.
 */
export function conflictColumnsOf(chain: Chain, inventory: Inventory): string[] | undefined {
  const { symbols } = inventory;
  const conflict = conflictOf(chain, inventory);
  if (conflict?.kind === "unreadable") return undefined;
  if (conflict?.kind === "changed") return columnsIn(conflict.becomes);
  const options = chain.operationCall?.arguments[1];
  const object = options === undefined ? undefined : unwrap(options);
  const isWritten = object !== undefined && ts.isObjectLiteralExpression(object);
  const optionOf = (name: string) => {
    const property = isWritten ? propertyOf(object, name) : undefined;
    const value = property === undefined ? undefined : initializerOf(property);
    return value === undefined ? undefined : unwrap(value);
  };
  if (optionOf("ignoreDuplicates")?.kind === ts.SyntaxKind.TrueKeyword) return undefined;
  const named = optionOf("onConflict");
  if (named !== undefined) {
    const columns = stringsOf(symbols, named);
    return columns.kind === "known" ? columns.names.flatMap(columnsIn) : undefined;
  }
  // A key that the database generates conflicts with no row.
  const rows = chain.payload?.rows ?? [];
  const isNew = rows.every(({ node }) => judge(symbols, node, "id").kind === "absent");
  return isNew && rows.length > 0 ? undefined : [];
}

/** The columns of an `ON CONFLICT` in SQL, if their unique constraint now includes the organization. */
export function sqlConflictOf({ statements }: SqlText, { tables }: Inventory): string | undefined {
  return statements
    .flatMap(insertsIn)
    .map((insert) => conflictIn(insert, tables))
    .find((one) => one !== undefined);
}

function conflictIn(insert: InsertStmt, tables: Inventory["tables"]): string | undefined {
  const { relation } = insert;
  if (relation?.relname === undefined) return undefined;
  const columns = columnsOf(insert);
  const target = tables.relationOf(relation.relname, relation.schemaname);
  return isChanged(columns, target, tables) ? columns.join(", ") : undefined;
}

function columnsOf({ onConflictClause }: InsertStmt): string[] {
  return (onConflictClause?.infer?.indexElems ?? []).flatMap((one) =>
    "IndexElem" in one ? [one.IndexElem.name ?? ""] : [],
  );
}

/** Whether columns are those of a unique constraint that now includes the organization. */
function isChanged(
  columns: readonly string[],
  relation: RelationName,
  tables: Inventory["tables"],
): boolean {
  return tables
    .uniquePerOrganization(relation)
    .some((one) => sorted(one) === sorted(columns.join(",")));
}

/**
 * The columns of an `ON CONFLICT … DO UPDATE` in SQL that may overwrite another organization's row: neither
 * its columns nor its condition name the organization.
 */
export function sqlTakeOverOf({ statements }: SqlText, inventory: Inventory): string | undefined {
  return statements
    .flatMap(insertsIn)
    .map((insert) => takenOverBy(insert, inventory))
    .find((one) => one !== undefined);
}

function takenOverBy(insert: InsertStmt, { tables, project }: Inventory): string | undefined {
  const { relation, onConflictClause } = insert;
  if (relation?.relname === undefined || onConflictClause?.action !== "ONCONFLICT_UPDATE")
    return undefined;
  const target = tables.relationOf(relation.relname, relation.schemaname);
  if (!tables.hasOrganization(target)) return undefined;
  const column = project.settings.names.organizationColumn;
  const columns = columnsOf(insert);
  // Another rule adds the organization to these columns; then no row of another organization matches.
  if (columns.includes(column) || isChanged(columns, target, tables)) return undefined;
  const compares = conjuncts(onConflictClause.whereClause).some((condition) =>
    comparesRowThere(condition, column),
  );
  if (compares) return undefined;
  return columns.length > 0 ? columns.join(", ") : (onConflictClause.infer?.conname ?? "any key");
}

/** `leads.organization_id = EXCLUDED.organization_id`, or a value: a condition on the existing row, not on the new one. */
function comparesRowThere(condition: Node, column: string): boolean {
  const isThere = (side: Node) => isColumn(side, column) && columnOf(side)?.table !== "excluded";
  if (isEqualToValue(condition, isThere)) return true;
  if (!("A_Expr" in condition) || !isEquality(condition)) return false;
  const sides = [condition.A_Expr.lexpr, condition.A_Expr.rexpr];
  return (
    sides.some((side) => side !== undefined && isThere(side)) &&
    sides.some((side) => side !== undefined && isColumn(side, column) && !isThere(side))
  );
}

/** The same columns in any order. */
function sorted(columns: string): string {
  return columnsIn(columns).sort().join(",");
}

function columnsIn(columns: string): string[] {
  return columns.split(",").map((column) => column.trim());
}
