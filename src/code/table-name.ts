import ts from "typescript";
import { argumentsFor, type Symbols } from "./symbols.ts";
import { shortText, unwrap } from "./syntax.ts";

export type Tables =
  /** Usually one; several where the name is one of a few. */
  | { readonly kind: "known"; readonly names: readonly string[] }
  /** What could not be followed is said, and never guessed. */
  | { readonly kind: "unresolved"; readonly text: string };

const longestWay = 6;

/** Which strings an expression can be, by literals, types, and what callers give. */
export function stringsOf(symbols: Symbols, expression: ts.Expression): Tables {
  const unresolved: Tables = { kind: "unresolved", text: shortText(expression) };
  const names = follow(symbols, expression, 0);
  return names === undefined || names.length === 0
    ? unresolved
    : { kind: "known", names: [...new Set(names)] };
}

function follow(
  symbols: Symbols,
  expression: ts.Expression,
  way: number,
): readonly string[] | undefined {
  // A cast is what somebody wished: the expression within is what there is.
  const inner = unwrap(expression);
  if (ts.isStringLiteralLike(inner)) return [inner.text];
  if (ts.isConditionalExpression(inner))
    return together([inner.whenTrue, inner.whenFalse], (one) => follow(symbols, one, way + 1));
  const type = symbols.checker.getTypeAtLocation(inner);
  // `<Name extends "leads" | "campaigns">` is one of these at each call.
  const literals = literalsOf(symbols.checker.getBaseConstraintOfType(type) ?? type);
  if (literals !== undefined) return literals;
  if (way > longestWay || !ts.isIdentifier(inner)) return undefined;
  const declaration = symbols.symbolOf(inner)?.declarations?.[0];
  if (declaration === undefined) return undefined;
  if (ts.isVariableDeclaration(declaration) && declaration.initializer !== undefined) {
    const constant = (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
    return constant ? follow(symbols, declaration.initializer, way + 1) : undefined;
  }
  if (ts.isParameter(declaration))
    return together(argumentsFor(symbols, declaration), (given) => follow(symbols, given, way + 1));
  return undefined;
}

function together(
  expressions: readonly ts.Expression[],
  read: (one: ts.Expression) => readonly string[] | undefined,
): readonly string[] | undefined {
  const all: string[] = [];
  for (const one of expressions) {
    const names = read(one);
    if (names === undefined) return undefined;
    all.push(...names);
  }
  return all;
}

function literalsOf(type: ts.Type): readonly string[] | undefined {
  if (type.isStringLiteral()) return [type.value];
  if (!type.isUnion()) return undefined;
  const literals = type.types.flatMap((one) => (one.isStringLiteral() ? [one.value] : []));
  return literals.length === type.types.length ? literals : undefined;
}
