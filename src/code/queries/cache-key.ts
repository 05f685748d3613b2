import ts from "typescript";
import { valuesOf } from "../reading/property-values.ts";
import { functionCalled, type Symbols } from "../reading/symbols.ts";
import { returnedBy, unwrap } from "../reading/syntax.ts";
import { stringsOf } from "../reading/table-name.ts";
import { textsOf } from "../reading/text-variants.ts";
import type { Cache } from "./inventory-entry.ts";

/** The possible keys of a place, with `$0` for interpolated values: all places with one key change together. */
export function keysOf(symbols: Symbols, { store, key }: Cache): readonly string[] {
  if (key === undefined) return [];
  const node = declaredAs(symbols, unwrap(key));
  const first = ts.isArrayLiteralExpression(node) ? node.elements[0] : node;
  if (first === undefined) return [];
  const known = stringsOf(symbols, first);
  const texts = known.kind === "known" ? known.names : textsOf(symbols, first);
  return (texts ?? [first.getText()]).map((text) => `${store} ${text}`);
}

/** The array that a name holds, or that a function returns: `keys.all`, `keys.list()`. */
function declaredAs(symbols: Symbols, node: ts.Expression): ts.Expression {
  const called = ts.isCallExpression(node) ? functionCalled(symbols, node) : undefined;
  const name = ts.isPropertyAccessExpression(node) ? node.name : node;
  const values = ts.isMemberName(name) ? valuesOf(symbols, name) : [];
  const [value] = called === undefined ? values : returnedBy(called);
  const inner = value === undefined ? undefined : unwrap(value);
  return inner !== undefined && ts.isArrayLiteralExpression(inner) ? inner : node;
}
