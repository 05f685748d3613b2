import ts from "typescript";
import { valuesOf } from "./held.ts";
import { functionCalled, type Symbols } from "./symbols.ts";
import { heldBy, methodOf, propertyOf, returnedBy, unwrap } from "./syntax.ts";
import { stringsOf } from "./table-name.ts";

const longestWay = 8;

/**
 * The schema that a client asks: `client.schema("crm")`, `createClient(…, { db: { schema: "crm" } })`.
 * Undefined where nothing names one.
 */
export function schemaOf(symbols: Symbols, client: ts.Expression, way = 0): string | undefined {
  const inner = unwrap(client);
  const first = (all: readonly ts.Expression[]): string | undefined => {
    for (const one of all) {
      const schema = schemaOf(symbols, one, way + 1);
      if (schema !== undefined) return schema;
    }
    return undefined;
  };
  if (way > longestWay) return undefined;
  if (ts.isCallExpression(inner)) {
    const [argument] = inner.arguments;
    const method = methodOf(inner);
    if (method?.name === "schema" && argument !== undefined) return textOf(symbols, argument);
    const called = functionCalled(symbols, inner);
    if (called !== undefined && !called.getSourceFile().isDeclarationFile)
      return first(returnedBy(called));
    return inner.arguments
      .map((one) => schemaInOptions(symbols, one))
      .find((schema) => schema !== undefined);
  }
  if (ts.isBinaryExpression(inner)) return first([inner.right, inner.left]);
  const name = ts.isPropertyAccessExpression(inner) ? inner.name : inner;
  if (!ts.isMemberName(name)) return undefined;
  return first(valuesOf(symbols, name));
}

function schemaInOptions(symbols: Symbols, argument: ts.Expression): string | undefined {
  const options = unwrap(argument);
  const db = ts.isObjectLiteralExpression(options) ? propertyOf(options, "db") : undefined;
  const held = db === undefined ? undefined : heldBy(db);
  const inner = held === undefined ? undefined : unwrap(held);
  const schema =
    inner !== undefined && ts.isObjectLiteralExpression(inner)
      ? propertyOf(inner, "schema")
      : undefined;
  const value = schema === undefined ? undefined : heldBy(schema);
  return value === undefined ? undefined : textOf(symbols, value);
}

function textOf(symbols: Symbols, node: ts.Expression): string | undefined {
  const known = stringsOf(symbols, node);
  const [one, other] = known.kind === "known" ? known.names : [];
  return other === undefined ? one : undefined;
}
