import ts from "typescript";
import { annotationFor } from "../reading/annotation.ts";
import type { Symbols } from "../reading/symbols.ts";
import { initializerOf, methodOf, propertyOf, unwrap } from "../reading/syntax.ts";
import { stringsOf } from "../reading/table-name.ts";
import { type FileContext, placeOf } from "./chain.ts";
import type { Subscription } from "./inventory-entry.ts";

/** `channel.on("postgres_changes", { table, filter }, …)` */
export function subscriptionFrom(
  { symbols, tables, annotations, file }: FileContext,
  call: ts.CallExpression,
): Subscription | undefined {
  const [event, options] = call.arguments;
  if (methodOf(call)?.name !== "on" || event === undefined || options === undefined)
    return undefined;
  const named = unwrap(event);
  const isChanges = ts.isStringLiteralLike(named)
    ? named.text === "postgres_changes"
    : /POSTGRES_CHANGES$/.test(named.getText());
  if (!isChanges) return undefined;
  const object = literalOf(symbols, options);
  const value = (name: string) => {
    const property = object === undefined ? undefined : propertyOf(object, name);
    return property === undefined ? undefined : initializerOf(property);
  };
  const text = (name: string) => {
    const given = value(name);
    const known = given === undefined ? undefined : stringsOf(symbols, given);
    return known?.kind === "known" && known.names.length === 1 ? known.names[0] : undefined;
  };
  const table = text("table");
  return {
    kind: "subscription",
    place: placeOf(file, call),
    part: file.part,
    node: options,
    annotation: annotationFor(annotations, file, options),
    table,
    relation: table === undefined ? undefined : tables.relationOf(table, text("schema")),
    options: object,
    filter: value("filter"),
  };
}

/** An object literal, or the initializer of a constant. */
function literalOf(
  { symbolOf }: Symbols,
  expression: ts.Expression,
): ts.ObjectLiteralExpression | undefined {
  const inner = unwrap(expression);
  if (ts.isObjectLiteralExpression(inner)) return inner;
  const [declaration] = symbolOf(inner)?.declarations ?? [];
  if (declaration === undefined || !ts.isVariableDeclaration(declaration)) return undefined;
  const { initializer } = declaration;
  const value = initializer === undefined ? undefined : unwrap(initializer);
  return value !== undefined && ts.isObjectLiteralExpression(value) ? value : undefined;
}
