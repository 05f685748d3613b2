import ts from "typescript";
import type { Symbols } from "../reading/symbols.ts";
import { initializerOf, type MethodCall, nameOf, unwrap } from "../reading/syntax.ts";
import { stringsOf } from "../reading/table-name.ts";

/** One filter of a chain. */
export type Filter = {
  readonly method: string;
  /** The column; null where there are several, or it cannot be read. */
  readonly column: string | null;
  /** The value that the column is compared with. */
  readonly value: ts.Expression | undefined;
  /** The condition under which it is added; undefined where it always applies. */
  readonly when: string | undefined;
};

const ofOneColumn = new Set([
  ..."eq neq gt gte lt lte like ilike is in contains containedBy overlaps not filter".split(" "),
  ..."likeAllOf likeAnyOf ilikeAllOf ilikeAnyOf rangeGt rangeGte rangeLt rangeLte".split(" "),
  ..."rangeAdjacent textSearch isDistinct".split(" "),
]);
/** Methods that return only rows with the values. */
const narrowing = new Set(["eq", "in", "match", "filter"]);

/** The filters among the methods of a chain. */
export function filtersOf(symbols: Symbols, calls: readonly MethodCall[], when?: string): Filter[] {
  const text = (node: ts.Expression | undefined): string | null => {
    const known = node === undefined ? undefined : stringsOf(symbols, node);
    const [one = null, other] = known?.kind === "known" ? known.names : [];
    return other === undefined ? one : null;
  };
  return calls.flatMap(({ name, call }): Filter[] => {
    const [first, second, third] = call.arguments;
    if (name === "or") return [{ method: name, column: null, value: first, when }];
    if (name === "match") return matched(first).map((one) => ({ ...one, method: name, when }));
    if (!ofOneColumn.has(name)) return [];
    const column = text(first);
    if (name !== "filter") return [{ method: name, column, value: second, when }];
    const operator = text(second);
    return [
      { method: operator === "eq" ? name : `filter ${operator}`, column, value: third, when },
    ];
  });
}

/** Whether a filter returns only rows with one value of the column. */
export function narrowsTo(filter: Filter, column: string): boolean {
  return filter.column === column && narrowing.has(filter.method) && filter.when === undefined;
}

function matched(argument: ts.Expression | undefined): readonly Pick<Filter, "column" | "value">[] {
  const object = argument === undefined ? undefined : unwrap(argument);
  if (object === undefined || !ts.isObjectLiteralExpression(object))
    return [{ column: null, value: argument }];
  // A spread after a column may contain the column, too.
  const spread = object.properties.findLastIndex(ts.isSpreadAssignment);
  return object.properties.map((property, index) => ({
    column: index < spread ? null : (nameOf(property) ?? null),
    value: initializerOf(property),
  }));
}
