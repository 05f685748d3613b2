import type { Node } from "libpg-query";
import ts from "typescript";
import type { Chain, SqlText } from "./entry.ts";
import type { Inventory } from "./inventory.ts";
import { judge } from "./payload-column.ts";
import { heldBy, propertyOf, shortText, unwrap } from "./syntax.ts";
import { stringsOf } from "./table-name.ts";

/** What is to be said of an upsert's `onConflict`. */
export type Conflict =
  | {
      readonly kind: "changed";
      readonly node: ts.StringLiteralLike;
      readonly columns: string;
      readonly becomes: string;
    }
  | { readonly kind: "unreadable"; readonly text: string };

/** The columns that an upsert names, where their constraint became one for each organization. */
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
  const value = heldBy(property);
  const node = value === undefined ? undefined : unwrap(value);
  if (node === undefined || !ts.isStringLiteralLike(node))
    return { kind: "unreadable", text: shortText(property) };
  const isChanged = changed.some((columns) => sorted(columns) === sorted(node.text));
  const separator = node.text.includes(", ") ? ", " : ",";
  const becomes = `${project.settings.names.organizationColumn}${separator}${node.text}`;
  return isChanged ? { kind: "changed", node, columns: node.text, becomes } : undefined;
}

/**
 * The columns by which an upsert overwrites rows that are there, as they are to be behind Day 3: none where
 * it is the primary key. Undefined where it overwrites none, or where they cannot be read.
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
    const value = property === undefined ? undefined : heldBy(property);
    return value === undefined ? undefined : unwrap(value);
  };
  if (optionOf("ignoreDuplicates")?.kind === ts.SyntaxKind.TrueKeyword) return undefined;
  const named = optionOf("onConflict");
  if (named !== undefined) {
    const columns = stringsOf(symbols, named);
    return columns.kind === "known" ? columns.names.flatMap(columnsIn) : undefined;
  }
  // A key that the database makes is in conflict with none.
  const rows = chain.payload?.rows ?? [];
  const isNew = rows.every(({ node }) => judge(symbols, node, "id").kind === "absent");
  return isNew && rows.length > 0 ? undefined : [];
}

/** The columns of an `ON CONFLICT` in SQL, where their constraint became one for each organization. */
export function sqlConflictOf({ statements }: SqlText, { tables }: Inventory): string | undefined {
  return statements.map((statement) => conflictIn(statement, tables)).find((one) => one);
}

function conflictIn(statement: Node, tables: Inventory["tables"]): string | undefined {
  if (!("InsertStmt" in statement)) return undefined;
  const { relation, onConflictClause } = statement.InsertStmt;
  if (relation?.relname === undefined) return undefined;
  const columns = (onConflictClause?.infer?.indexElems ?? [])
    .flatMap((one) => ("IndexElem" in one ? [one.IndexElem.name ?? ""] : []))
    .join(", ");
  const changed = tables.uniquePerOrganization(
    tables.relationOf(relation.relname, relation.schemaname),
  );
  return changed.some((one) => sorted(one) === sorted(columns)) ? columns : undefined;
}

/** Columns of a constraint have no order. */
function sorted(columns: string): string {
  return columnsIn(columns).sort().join(",");
}

function columnsIn(columns: string): string[] {
  return columns.split(",").map((column) => column.trim());
}
