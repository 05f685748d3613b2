import type { FuncCall, Node, SelectStmt } from "libpg-query";
import type { Value, WrittenName } from "./query.ts";

/** Everything below a value that is an object, with the value. */
export function* within(value: unknown): Generator<object> {
  if (typeof value !== "object" || value === null) return;
  yield value;
  for (const inner of Object.values(value)) yield* within(inner);
}

/** The name that a list of strings is: `schema.name`, or `database.schema.name`. */
export function nameOf(parts: readonly Node[] = []): WrittenName {
  const texts = parts.flatMap((part) => ("String" in part ? (part.String.sval ?? "") : []));
  return { schema: texts.at(-2), name: texts.at(-1) ?? "" };
}

/** A call of a function, as a value. */
export function callOf({ funcname, args = [] }: FuncCall): Value {
  const [first] = args;
  const constant = first !== undefined && "A_Const" in first ? first.A_Const.sval?.sval : undefined;
  return { kind: "call", function: nameOf(funcname), text: constant };
}

/** A value of which nothing is known. */
export const otherValue: Value = { kind: "other" };

/** An expression without its casts, and without `(SELECT …)` around it. */
export function bare(node: Node | undefined): Node | undefined {
  if (node === undefined) return undefined;
  if ("TypeCast" in node) return bare(node.TypeCast.arg);
  if ("CollateClause" in node) return bare(node.CollateClause.arg);
  if ("SubLink" in node && node.SubLink.subLinkType === "EXPR_SUBLINK") {
    return bare(onlyValueOf(node.SubLink.subselect)) ?? node;
  }
  return node;
}

/** The only value of a SELECT without FROM. */
export function onlyValueOf(node: Node | undefined): Node | undefined {
  const select = selectOf(node);
  if (select === undefined || select.fromClause !== undefined || select.whereClause !== undefined)
    return undefined;
  return onlyTargetOf(select);
}

/** The only column that a SELECT returns. */
export function onlyTargetOf({ targetList = [] }: SelectStmt): Node | undefined {
  const [target, ...others] = targetList;
  if (target === undefined || others.length > 0 || !("ResTarget" in target)) return undefined;
  return target.ResTarget.val;
}

export function selectOf(node: Node | undefined): SelectStmt | undefined {
  return node !== undefined && "SelectStmt" in node ? node.SelectStmt : undefined;
}

/** A value as far as it can identify an organization; a query below is not one. */
export function simpleValue(node: Node | undefined): Value {
  const value = bare(node);
  if (value === undefined) return otherValue;
  if ("ColumnRef" in value) {
    const { fields = [] } = value.ColumnRef;
    if (!fields.every((field) => "String" in field)) return otherValue;
    const { schema, name } = nameOf(fields);
    return { kind: "name", of: schema, name };
  }
  if ("ParamRef" in value) return { kind: "parameter", number: value.ParamRef.number ?? 0 };
  return "FuncCall" in value ? callOf(value.FuncCall) : otherValue;
}

/** The conditions that must all be true. */
export function conjunctsOf(node: Node | undefined): readonly Node[] {
  if (node === undefined) return [];
  if ("BoolExpr" in node && node.BoolExpr.boolop === "AND_EXPR")
    return (node.BoolExpr.args ?? []).flatMap(conjunctsOf);
  return [node];
}
