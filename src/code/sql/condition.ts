import type { Node, SelectStmt } from "libpg-query";
import { within } from "./statement.ts";

/** The conditions that must all hold. */
export function conjuncts(condition: Node | undefined): readonly Node[] {
  if (condition === undefined) return [];
  return "BoolExpr" in condition && condition.BoolExpr.boolop === "AND_EXPR"
    ? (condition.BoolExpr.args ?? []).flatMap(conjuncts)
    : [condition];
}

const equal = new Set(["AEXPR_OP", "AEXPR_OP_ANY", "AEXPR_IN", "AEXPR_NOT_DISTINCT"]);

/** `organization_id = $1`, `IN (…)`, `= ANY (…)`: a column compared with a value that is not a column. */
export function isEqualToValue(condition: Node, isOfInterest: (side: Node) => boolean): boolean {
  if (!("A_Expr" in condition)) return false;
  const { kind = "", lexpr, rexpr } = condition.A_Expr;
  if (!isEquality(condition) || !equal.has(kind) || lexpr === undefined || rexpr === undefined)
    return false;
  const isValue = (one: Node) => !hasColumn(one) && !("A_Const" in one && one.A_Const.isnull);
  return (isOfInterest(lexpr) && isValue(rexpr)) || (isOfInterest(rexpr) && isValue(lexpr));
}

/** `l.id = $1`, `a.organization_id = b.organization_id` */
export function isEquality(condition: Node): boolean {
  const [operator] = ("A_Expr" in condition && condition.A_Expr.name) || [];
  return operator !== undefined && "String" in operator && operator.String.sval === "=";
}

/** Whether a node is a column of this name in any table, with or without a cast. */
export function isColumn(node: Node, column: string): boolean {
  return columnOf(node)?.name === column;
}

/** The column of an expression, with its table where it is named. */
export function columnOf(
  node: Node | undefined,
): { readonly table: string | undefined; readonly name: string } | undefined {
  if (node === undefined) return undefined;
  if ("TypeCast" in node) return columnOf(node.TypeCast.arg);
  if (!("ColumnRef" in node)) return undefined;
  const names = (node.ColumnRef.fields ?? []).map((one) =>
    "String" in one ? one.String.sval : undefined,
  );
  const name = names.at(-1);
  return name === undefined ? undefined : { table: names.at(-2), name };
}

/** Whether a value contains a column: a join of two tables fences neither. */
function hasColumn(node: Node): boolean {
  if ("SubLink" in node) return false;
  return [...within(node)].some((one) => "ColumnRef" in one);
}

/** The selects in an expression, the outermost ones. */
export function selectsIn(expression: unknown): SelectStmt[] {
  if (typeof expression !== "object" || expression === null) return [];
  if ("SelectStmt" in expression && typeof expression.SelectStmt === "object")
    return expression.SelectStmt === null ? [] : [expression.SelectStmt];
  return Object.values(expression).flatMap(selectsIn);
}

/** The names and aliases of tables. */
export function aliasesIn(items: readonly unknown[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const one of within(items)) {
    if ("relname" in one && typeof one.relname === "string") found.add(one.relname);
    if ("aliasname" in one && typeof one.aliasname === "string") found.add(one.aliasname);
  }
  return found;
}

/** Whether a subquery has a condition on a table of the outer query: `WHERE call_logs.lead_id = leads.id`. */
export function refersOutside(select: SelectStmt, outside: ReadonlySet<string>): boolean {
  const own = aliasesIn(select.fromClause ?? []);
  return conjuncts(select.whereClause).some((condition) => {
    if (!("A_Expr" in condition)) return false;
    const { lexpr, rexpr } = condition.A_Expr;
    return [lexpr, rexpr].some((side) => isOutside(columnOf(side)?.table, own, outside));
  });
}

/** Whether a table's name is one of the outer query, and not of the subquery. */
export function isOutside(
  table: string | undefined,
  own: ReadonlySet<string>,
  outside: ReadonlySet<string>,
): boolean {
  return table !== undefined && outside.has(table) && !own.has(table);
}
