import ts from "typescript";
import { argumentsFor, functionCalled, type Symbols } from "./symbols.ts";
import { heldBy, isFunctionNode, nameOf, returnedBy, unwrap } from "./syntax.ts";

const longestWay = 8;

/**
 * What an object has under a name, wherever the object is put together: through variables, parameters,
 * properties of classes, and functions that give it back.
 */
export function heldUnder(
  symbols: Symbols,
  object: ts.Expression,
  name: string,
  way = 0,
): readonly ts.Expression[] {
  const inner = unwrap(object);
  const further = (one: ts.Expression) => heldUnder(symbols, one, name, way + 1);
  if (way > longestWay) return [];
  if (ts.isObjectLiteralExpression(inner))
    return inner.properties.flatMap((property) => {
      if (ts.isSpreadAssignment(property)) return further(property.expression);
      const value = nameOf(property) === name ? heldBy(property) : undefined;
      return value === undefined ? [] : [value];
    });
  if (ts.isCallExpression(inner)) {
    const called = functionCalled(symbols, inner);
    return called === undefined ? [] : returnedBy(called).flatMap(further);
  }
  if (ts.isPropertyAccessExpression(inner))
    return valuesOf(symbols, inner.name, way).flatMap(further);
  // It is handed on: what it is given there, nobody sees.
  if (isFunctionNode(inner) || isFunction(symbols, inner)) return [inner];
  return ts.isIdentifier(inner) ? valuesOf(symbols, inner, way).flatMap(further) : [];
}

function isFunction(symbols: Symbols, node: ts.Expression): boolean {
  return symbols.symbolOf(node)?.declarations?.some(ts.isFunctionDeclaration) ?? false;
}

/** What a name's declarations and assignments give it. */
export function valuesOf(symbols: Symbols, name: ts.MemberName, way = 0): readonly ts.Expression[] {
  const symbol = symbols.symbolOf(name);
  const declared = (symbol?.declarations ?? []).flatMap((declaration) => {
    if (ts.isParameter(declaration)) return argumentsFor(symbols, declaration);
    if (ts.isBindingElement(declaration)) return ofBinding(symbols, declaration, way);
    const isHolder =
      ts.isVariableDeclaration(declaration) ||
      ts.isPropertyDeclaration(declaration) ||
      ts.isPropertyAssignment(declaration);
    return isHolder && declaration.initializer !== undefined ? [declaration.initializer] : [];
  });
  return symbol === undefined ? declared : [...declared, ...assignedLater(symbols, symbol)];
}

/** What a name is given behind its declaration; a constant is given nothing. */
export function assignedLater(symbols: Symbols, symbol: ts.Symbol): readonly ts.Expression[] {
  const [declaration] = symbol.declarations ?? [];
  const isConstant =
    declaration !== undefined &&
    (ts.isVariableDeclaration(declaration) || ts.isBindingElement(declaration)) &&
    (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
  if (isConstant) return [];
  return symbols.usesOf(symbol, symbol.name).flatMap((use) => assignedTo(use) ?? []);
}

/** `const { client } = this.context` */
function ofBinding(
  symbols: Symbols,
  binding: ts.BindingElement,
  way: number,
): readonly ts.Expression[] {
  const key = binding.propertyName ?? binding.name;
  return ts.isIdentifier(key)
    ? objectsTakenApart(symbols, binding).flatMap((one) =>
        heldUnder(symbols, one, key.text, way + 1),
      )
    : [];
}

/** The objects that a pattern takes a part of. */
export function objectsTakenApart(
  symbols: Symbols,
  binding: ts.BindingElement,
): readonly ts.Expression[] {
  const holder = binding.parent.parent;
  if (ts.isParameter(holder)) return argumentsFor(symbols, holder);
  return ts.isVariableDeclaration(holder) && holder.initializer !== undefined
    ? [holder.initializer]
    : [];
}

const assigning = new Set([
  ts.SyntaxKind.EqualsToken,
  ts.SyntaxKind.BarBarEqualsToken,
  ts.SyntaxKind.QuestionQuestionEqualsToken,
]);

/** `client = createClient(…)` below the declaration, or `this.client = client` in a constructor. */
function assignedTo(use: ts.MemberName): ts.Expression | undefined {
  const target =
    ts.isPropertyAccessExpression(use.parent) && use.parent.name === use ? use.parent : use;
  const { parent } = target;
  return ts.isBinaryExpression(parent) &&
    parent.left === target &&
    assigning.has(parent.operatorToken.kind)
    ? parent.right
    : undefined;
}
