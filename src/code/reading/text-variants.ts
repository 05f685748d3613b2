import ts from "typescript";
import { memoize } from "./memoize.ts";
import { functionCalled, type Symbols } from "./symbols.ts";
import { initializerOf, methodOf, propertyOf, returnedBy, unwrap } from "./syntax.ts";
import { stringsOf } from "./table-name.ts";

const longestWay = 6;
const mostVariants = 32;

/**
 * The strings that an expression can be: with and without the parts that are added under a condition. An
 * interpolated value is a parameter, `$0`. Undefined where the string cannot be followed.
 */
export function textsOf(
  symbols: Symbols,
  expression: ts.Expression,
  way = 0,
): readonly string[] | undefined {
  return way > longestWay ? undefined : textsIn(symbols)[way]?.(unwrap(expression));
}

/** For each distance from the first expression, each expression is read once. */
const textsIn = memoize((symbols: Symbols) =>
  Array.from({ length: longestWay + 1 }, (_, way) =>
    memoize((inner: ts.Expression) => readTexts(symbols, inner, way)),
  ),
);

function readTexts(
  symbols: Symbols,
  inner: ts.Expression,
  way: number,
): readonly string[] | undefined {
  const further = (one: ts.Expression) => textsOf(symbols, one, way + 1);
  if (ts.isStringLiteralLike(inner)) return [inner.text];
  if (ts.isTemplateExpression(inner)) return ofTemplate(symbols, inner, false, way);
  if (ts.isTaggedTemplateExpression(inner))
    return ts.isTemplateExpression(inner.template)
      ? ofTemplate(symbols, inner.template, true, way)
      : [inner.template.text];
  if (ts.isConditionalExpression(inner)) {
    const both = [further(inner.whenTrue), further(inner.whenFalse)];
    return both.every((one) => one !== undefined) ? both.flat() : undefined;
  }
  if (ts.isBinaryExpression(inner) && inner.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const left = further(inner.left);
    return left === undefined ? undefined : joined([left, further(inner.right) ?? ["$0"]]);
  }
  if (ts.isObjectLiteralExpression(inner)) {
    const property = propertyOf(inner, "text");
    const value = property === undefined ? undefined : initializerOf(property);
    return value === undefined ? undefined : further(value);
  }
  if (ts.isCallExpression(inner)) return ofCall(symbols, inner, way);
  if (ts.isPropertyAccessExpression(inner)) {
    const [declaration] = symbols.symbolOf(inner.name)?.declarations ?? [];
    return declaration !== undefined &&
      (ts.isPropertyAssignment(declaration) || ts.isPropertyDeclaration(declaration)) &&
      declaration.initializer !== undefined
      ? further(declaration.initializer)
      : undefined;
  }
  if (!ts.isIdentifier(inner)) return undefined;
  const [declaration] = symbols.symbolOf(inner)?.declarations ?? [];
  if (
    declaration === undefined ||
    !ts.isVariableDeclaration(declaration) ||
    declaration.initializer === undefined
  )
    return undefined;
  const first = further(declaration.initializer);
  if (first === undefined) return undefined;
  const constant = (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
  return constant ? first : withAppended(symbols, inner, first, way);
}

/** With the parts that `text += …` adds under a condition or always: the string without and with all of them. */
function withAppended(
  symbols: Symbols,
  name: ts.Identifier,
  first: readonly string[],
  way: number,
): readonly string[] | undefined {
  const symbol = symbols.symbolOf(name);
  const uses = symbol === undefined ? [] : symbols.usesOf(symbol, name.text);
  let all = first;
  for (const { parent } of uses.filter(({ pos }) => pos < name.pos)) {
    if (!ts.isBinaryExpression(parent)) continue;
    const added = parent.right;
    switch (parent.operatorToken.kind) {
      case ts.SyntaxKind.EqualsToken:
        // From there on it is another string.
        return undefined;
      case ts.SyntaxKind.PlusEqualsToken:
        all = joined([all, textsOf(symbols, added, way + 1) ?? [" $0 "]]);
        break;
      default:
    }
  }
  return [...new Set([...first, ...all])];
}

function ofTemplate(
  symbols: Symbols,
  { head, templateSpans }: ts.TemplateExpression,
  isTagged: boolean,
  way: number,
): readonly string[] {
  let all: readonly string[] = [head.text];
  for (const { expression, literal } of templateSpans) {
    const before = all[0] ?? "";
    const inner = unwrap(expression);
    // A tag turns an interpolated value into a parameter, unless it is another piece of SQL.
    const isPiece =
      !isTagged || ts.isTaggedTemplateExpression(inner) || ts.isConditionalExpression(inner);
    const put = isPiece ? piecesOf(symbols, expression, way) : undefined;
    // `$${values.length}`: the number of a parameter.
    const hole = before.endsWith("$") ? "1" : "$0";
    all = joined([all, put ?? [hole], [literal.text]]);
  }
  return all;
}

function piecesOf(
  symbols: Symbols,
  expression: ts.Expression,
  way: number,
): readonly string[] | undefined {
  const texts = textsOf(symbols, expression, way + 1);
  if (texts !== undefined) return texts;
  const known = stringsOf(symbols, expression);
  return known.kind === "known" ? known.names : undefined;
}

/** `[…].join("\n")`, `text.trim()`, and the result of a function of the project. */
function ofCall(
  symbols: Symbols,
  call: ts.CallExpression,
  way: number,
): readonly string[] | undefined {
  const method = methodOf(call);
  const [argument] = call.arguments;
  const on = method === undefined ? undefined : unwrap(method.on);
  if (method !== undefined && ["trim", "toString"].includes(method.name))
    return textsOf(symbols, method.on, way + 1);
  if (method?.name === "join" && on !== undefined && ts.isArrayLiteralExpression(on)) {
    const between =
      argument !== undefined && ts.isStringLiteralLike(argument) ? argument.text : ",";
    const parts = on.elements.map((one) => textsOf(symbols, one, way + 1) ?? ["$0"]);
    return joined(parts.flatMap((part, index) => (index === 0 ? [part] : [[between], part])));
  }
  const called = functionCalled(symbols, call);
  if (called === undefined) return undefined;
  const returned = returnedBy(called).map((one) => textsOf(symbols, one, way + 1));
  return returned.length > 0 && returned.every((one) => one !== undefined)
    ? returned.flat()
    : undefined;
}

/** All combinations of the parts; where there are too many, a varying part becomes a parameter. */
function joined(parts: readonly (readonly string[])[]): readonly string[] {
  return parts.reduce<readonly string[]>(
    (all, part) => {
      const some = all.length * part.length > mostVariants ? [" $0 "] : part;
      return all.flatMap((before) => some.map((text) => before + text));
    },
    [""],
  );
}
