import ts from "typescript";
import { argumentsFor } from "./arguments.ts";
import { memoize } from "./memoize.ts";
import { collectReachable } from "./strongly-connected.ts";
import type { Symbols } from "./symbols.ts";
import { shortText, unwrap } from "./syntax.ts";

export type Tables =
  /** Usually one; several where the name can be one of a few. */
  | { readonly kind: "known"; readonly names: readonly string[] }
  /** The expression that cannot be followed. */
  | { readonly kind: "unresolved"; readonly text: string };

/** The expression of a string that cannot be read. */
const unread = Symbol("unread");
type Said = string | typeof unread;

/** The strings that an expression can be, from literals, types, and the arguments of callers. */
export function stringsOf(symbols: Symbols, expression: ts.Expression): Tables {
  const said = following(symbols)(unwrap(expression));
  const names = [...said].filter((one) => one !== unread);
  // If one cannot be read, the expression may be any string.
  return said.has(unread) || names.length === 0
    ? { kind: "unresolved", text: shortText(expression) }
    : { kind: "known", names };
}

const following = memoize((symbols: Symbols) => {
  const readIn = memoize((node: ts.Expression) => findIn(symbols, node));
  return collectReachable<ts.Expression | ts.ParameterDeclaration, Said>({
    next: (node) =>
      ts.isParameter(node) ? argumentsFor(symbols, node).map(unwrap) : readIn(node).next,
    said(node) {
      if (!ts.isParameter(node)) return readIn(node).said;
      return argumentsFor(symbols, node).length === 0 ? [unread] : [];
    },
    silent: () => [unread],
    order: (one, other) => (String(one) < String(other) ? -1 : 1),
  });
});

/** The strings of an expression, and the expressions that it leads to. */
type Findings = {
  readonly said: readonly Said[];
  readonly next: readonly (ts.Expression | ts.ParameterDeclaration)[];
};

/** A cast is not checked: the expression inside it decides. */
function findIn(symbols: Symbols, inner: ts.Expression): Findings {
  if (ts.isStringLiteralLike(inner)) return { said: [inner.text], next: [] };
  if (ts.isConditionalExpression(inner))
    return { said: [], next: [inner.whenTrue, inner.whenFalse].map(unwrap) };
  const type = symbols.checker.getTypeAtLocation(inner);
  // `<Name extends "leads" | "campaigns">` is one of the two in each call.
  const literals = literalsOf(symbols.checker.getBaseConstraintOfType(type) ?? type);
  if (literals !== undefined) return { said: literals, next: [] };
  const declaration = ts.isIdentifier(inner)
    ? symbols.symbolOf(inner)?.declarations?.[0]
    : undefined;
  if (declaration !== undefined && ts.isParameter(declaration))
    return { said: [], next: [declaration] };
  const isConstant =
    declaration !== undefined &&
    ts.isVariableDeclaration(declaration) &&
    (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
  return isConstant && declaration.initializer !== undefined
    ? { said: [], next: [unwrap(declaration.initializer)] }
    : { said: [unread], next: [] };
}

function literalsOf(type: ts.Type): readonly string[] | undefined {
  if (type.isStringLiteral()) return [type.value];
  if (!type.isUnion()) return undefined;
  const literals = type.types.flatMap((one) => (one.isStringLiteral() ? [one.value] : []));
  return literals.length === type.types.length ? literals : undefined;
}
