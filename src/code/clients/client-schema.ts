import ts from "typescript";
import { memoize } from "../reading/memoize.ts";
import { valuesOfSymbol } from "../reading/property-values.ts";
import { collectReachable } from "../reading/strongly-connected.ts";
import { functionCalled, type Symbols } from "../reading/symbols.ts";
import { initializerOf, methodOf, propertyOf, returnedBy, unwrap } from "../reading/syntax.ts";
import { stringsOf } from "../reading/table-name.ts";

/**
 * The schemas that a client queries: `client.schema("crm")`, `createClient(…, { db: { schema: "crm" } })`.
 * Empty where none is named; several where a function gets different clients.
 */
export function schemasOf(symbols: Symbols, client: ts.Expression): readonly string[] {
  return [...following(symbols)(stepOf(symbols, client))];
}

const following = memoize((symbols: Symbols) => {
  const readIn = memoize((node: ts.Expression) => findIn(symbols, node));
  const values = (symbol: ts.Symbol) => valuesOfSymbol(symbols, symbol);
  return collectReachable<ts.Expression | ts.Symbol, string>({
    next: (step) =>
      ("kind" in step ? readIn(step).next : values(step)).map((one) => stepOf(symbols, one)),
    said: (step) => ("kind" in step ? readIn(step).said : []),
  });
});

/** The symbol of a name, or the expression itself. */
function stepOf(symbols: Symbols, expression: ts.Expression): ts.Expression | ts.Symbol {
  const inner = unwrap(expression);
  const name = ts.isPropertyAccessExpression(inner) ? inner.name : inner;
  return ts.isMemberName(name) ? (symbols.symbolOf(name) ?? inner) : inner;
}

/** The schemas that an expression names, and the expressions that it leads to. */
type Findings = { readonly said: readonly string[]; readonly next: readonly ts.Expression[] };

function findIn(symbols: Symbols, inner: ts.Expression): Findings {
  if (ts.isBinaryExpression(inner)) return { said: [], next: [inner.right, inner.left] };
  if (!ts.isCallExpression(inner)) return { said: [], next: [] };
  const [argument] = inner.arguments;
  const method = methodOf(inner);
  if (method?.name === "schema" && argument !== undefined) {
    const schema = textOf(symbols, argument);
    return { said: schema === undefined ? [] : [schema], next: [] };
  }
  const called = functionCalled(symbols, inner);
  if (called !== undefined && !called.getSourceFile().isDeclarationFile)
    return { said: [], next: returnedBy(called) };
  const said = inner.arguments.flatMap((one) => schemaInOptions(symbols, one) ?? []);
  return { said, next: [] };
}

function schemaInOptions(symbols: Symbols, argument: ts.Expression): string | undefined {
  const options = unwrap(argument);
  const db = ts.isObjectLiteralExpression(options) ? propertyOf(options, "db") : undefined;
  const held = db === undefined ? undefined : initializerOf(db);
  const inner = held === undefined ? undefined : unwrap(held);
  const schema =
    inner !== undefined && ts.isObjectLiteralExpression(inner)
      ? propertyOf(inner, "schema")
      : undefined;
  const value = schema === undefined ? undefined : initializerOf(schema);
  return value === undefined ? undefined : textOf(symbols, value);
}

function textOf(symbols: Symbols, node: ts.Expression): string | undefined {
  const known = stringsOf(symbols, node);
  const [one, other] = known.kind === "known" ? known.names : [];
  return other === undefined ? one : undefined;
}
