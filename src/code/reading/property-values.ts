import ts from "typescript";
import { argumentsFor } from "./arguments.ts";
import { leastFixpoint } from "./fixpoint.ts";
import { memoize } from "./memoize.ts";
import { functionCalled, type Symbols } from "./symbols.ts";
import { initializerOf, isFunctionNode, nameOf, returnedBy, unwrap } from "./syntax.ts";

/** A property of an object, which is an expression or the symbol of a name. */
export type ObjectProperty = { readonly of: ts.Expression | ts.Symbol; readonly name: string };

/** A value that is assigned to a name, or a property of an object. */
type Given =
  | { readonly value: ts.Expression }
  | { readonly object: ts.Expression; readonly name: string };

/**
 * The possible values of a property, wherever the object is created: through variables, parameters, class
 * properties and functions that return it. In the order of the files.
 */
export function propertyValues(
  symbols: Symbols,
  object: ts.Expression,
  name: string,
): readonly ts.Expression[] {
  return valuesOfProperty(symbols, objectProperty(symbols, object, name));
}

/** The key of a property: the same object for all uses of a variable. */
export function objectProperty(
  symbols: Symbols,
  object: ts.Expression,
  name: string,
): ObjectProperty {
  return holding(symbols).question(object, name);
}

/** The possible values of that property. */
export function valuesOfProperty(symbols: Symbols, held: ObjectProperty): readonly ts.Expression[] {
  return holding(symbols).values(held);
}

/** The values that declarations and assignments give to a name. */
export function valuesOf(symbols: Symbols, name: ts.MemberName): readonly ts.Expression[] {
  const symbol = symbols.symbolOf(name);
  return symbol === undefined ? [] : valuesOfSymbol(symbols, symbol);
}

/** The same for a symbol. */
export function valuesOfSymbol(symbols: Symbols, symbol: ts.Symbol): readonly ts.Expression[] {
  return holding(symbols).ofSymbol(symbol);
}

const holding = memoize((symbols: Symbols) => {
  const questions = new Map<ts.Expression | ts.Symbol, Map<string, ObjectProperty>>();
  const question = (object: ts.Expression, name: string): ObjectProperty => {
    const of = holderOf(symbols, unwrap(object));
    const named = questions.get(of) ?? new Map<string, ObjectProperty>();
    questions.set(of, named);
    const known = named.get(name) ?? { of, name };
    named.set(name, known);
    return known;
  };
  const given = memoize((symbol: ts.Symbol) => givenTo(symbols, symbol));
  const answers = leastFixpoint<ObjectProperty, ts.Expression>(({ of, name }, { say, each }) => {
    const further = (value: ts.Expression) => each(question(value, name), say);
    if ("kind" in of) {
      const found = inExpression(symbols, of, name);
      found.values.forEach(say);
      found.objects.forEach(further);
      return;
    }
    for (const one of given(of)) {
      if ("value" in one) further(one.value);
      else each(question(one.object, one.name), further);
    }
  });
  const values = memoize((held: ObjectProperty) => [...answers(held)].sort(byPlace));
  const ofSymbol = memoize((symbol: ts.Symbol) =>
    given(symbol).flatMap((one) =>
      "value" in one ? [one.value] : values(question(one.object, one.name)),
    ),
  );
  return { question, values, ofSymbol };
});

function byPlace(one: ts.Expression, other: ts.Expression): number {
  const [file, otherFile] = [one.getSourceFile().fileName, other.getSourceFile().fileName];
  if (file !== otherFile) return file < otherFile ? -1 : 1;
  return one.pos - other.pos;
}

/** The symbol of an expression that is a name; or the expression itself. */
function holderOf(symbols: Symbols, inner: ts.Expression): ts.Expression | ts.Symbol {
  if (ts.isPropertyAccessExpression(inner)) return symbols.symbolOf(inner.name) ?? inner;
  return ts.isIdentifier(inner) && !isFunction(symbols, inner)
    ? (symbols.symbolOf(inner) ?? inner)
    : inner;
}

type Found = {
  readonly values: readonly ts.Expression[];
  /** Objects to follow: they may have the property. */
  readonly objects: readonly ts.Expression[];
};

function inExpression(symbols: Symbols, inner: ts.Expression, name: string): Found {
  if (ts.isObjectLiteralExpression(inner))
    return {
      values: inner.properties.flatMap((property) => {
        const value = nameOf(property) === name ? initializerOf(property) : undefined;
        return value === undefined ? [] : [value];
      }),
      objects: inner.properties.flatMap((property) =>
        ts.isSpreadAssignment(property) ? [property.expression] : [],
      ),
    };
  if (ts.isCallExpression(inner)) {
    const called = functionCalled(symbols, inner);
    return { values: [], objects: called === undefined ? [] : returnedBy(called) };
  }
  // A function that is passed on: its arguments there are not known.
  const isPassedOn = isFunctionNode(inner) || isFunction(symbols, inner);
  return { values: isPassedOn ? [inner] : [], objects: [] };
}

function isFunction(symbols: Symbols, node: ts.Expression): boolean {
  return symbols.symbolOf(node)?.declarations?.some(ts.isFunctionDeclaration) ?? false;
}

function givenTo(symbols: Symbols, symbol: ts.Symbol): readonly Given[] {
  const declared = (symbol.declarations ?? []).flatMap((declaration): readonly Given[] => {
    if (ts.isParameter(declaration)) return argumentsFor(symbols, declaration).map(asValue);
    if (ts.isBindingElement(declaration)) {
      const key = declaration.propertyName ?? declaration.name;
      return ts.isIdentifier(key)
        ? objectsTakenApart(symbols, declaration).map((object) => ({ object, name: key.text }))
        : [];
    }
    const isHolder =
      ts.isVariableDeclaration(declaration) ||
      ts.isPropertyDeclaration(declaration) ||
      ts.isPropertyAssignment(declaration);
    return isHolder && declaration.initializer !== undefined
      ? [asValue(declaration.initializer)]
      : [];
  });
  return [...declared, ...assignedLater(symbols, symbol).map(asValue)];
}

function asValue(value: ts.Expression): Given {
  return { value };
}

/** Values that are assigned after the declaration; none for a constant. */
function assignedLater(symbols: Symbols, symbol: ts.Symbol): readonly ts.Expression[] {
  const [declaration] = symbol.declarations ?? [];
  const isConstant =
    declaration !== undefined &&
    (ts.isVariableDeclaration(declaration) || ts.isBindingElement(declaration)) &&
    (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
  if (isConstant) return [];
  return symbols.usesOf(symbol, symbol.name).flatMap((use) => assignedTo(use) ?? []);
}

/** The objects that a binding pattern destructures. */
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
