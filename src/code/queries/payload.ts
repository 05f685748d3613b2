import ts from "typescript";
import { functionCalled, type Symbols } from "../reading/symbols.ts";
import { isFunctionNode, isNothing, methodOf, returnedBy, unwrap } from "../reading/syntax.ts";
import { isAbsentOrSet, type Judgement, judge, judgeTogether } from "./payload-column.ts";

/** One row of a payload, or an expression with several rows that the code does not list. */
export type Row = {
  readonly node: ts.Expression;
  readonly shape: "literal" | "object" | "array" | "unknown";
  readonly judgement: Judgement;
  /** Whether its type is known, so that a callback's parameter needs no type. */
  readonly isTyped: boolean;
};

export const payloadForms = [
  "object",
  "object with a spread",
  "array",
  "array filled by push",
  "map",
  "map and filter",
  "declared earlier",
  "parameter",
  "conditional",
  "call",
  "other",
] as const;

export type Payload = {
  readonly form: (typeof payloadForms)[number];
  readonly node: ts.Expression;
  readonly rows: readonly Row[];
};

/** Methods that do not change the rows. */
const leaving = new Set(["filter", "slice", "sort", "toSorted", "reverse", "toReversed", "flat"]);

/** The rows that are passed to insert, upsert or update, judged by one column. */
export function payloadOf(symbols: Symbols, argument: ts.Expression, column: string): Payload {
  const rows = rowsOf({ symbols, column, seen: undefined }, argument);
  return { form: formOf(symbols, argument), node: argument, rows };
}

type Asked = {
  readonly symbols: Symbols;
  readonly column: string;
  /** Arrays that are being judged: two arrays may be pushed into each other. */
  readonly seen: Set<ts.VariableDeclaration> | undefined;
};

/**
 * @param otherwise the shape of an expression whose type does not show it: within an array, a row
 */
function rowsOf(
  asked: Asked,
  expression: ts.Expression,
  otherwise: Row["shape"] = "unknown",
): Row[] {
  const { symbols, column } = asked;
  const inner = unwrap(expression);
  const below = (one: ts.Expression, shape = otherwise) => rowsOf(asked, one, shape);
  if (isNothing(inner)) return [];
  if (ts.isObjectLiteralExpression(inner))
    return [
      { node: inner, shape: "literal", judgement: judge(symbols, inner, column), isTyped: true },
    ];
  if (ts.isArrayLiteralExpression(inner))
    return inner.elements.flatMap((element) =>
      ts.isSpreadElement(element) ? arrayOf(asked, element.expression) : below(element, "object"),
    );
  if (ts.isConditionalExpression(inner))
    return [...below(inner.whenTrue), ...below(inner.whenFalse)];
  const made = ts.isCallExpression(inner) ? rowsMadeBy(inner) : undefined;
  if (made !== undefined) return made.rows.flatMap((one) => below(one, made.shape));
  const shape = shapeOf(symbols, inner);
  return opaque(asked, inner, shape === "unknown" ? otherwise : shape);
}

function arrayOf(asked: Asked, expression: ts.Expression): Row[] {
  const inner = unwrap(expression);
  return ts.isArrayLiteralExpression(inner) || ts.isCallExpression(inner)
    ? rowsOf(asked, inner)
    : opaque(asked, inner, "array");
}

/** Rows that are not listed here; none where they are being judged already. */
function opaque(asked: Asked, node: ts.Expression, shape: Row["shape"]): Row[] {
  const judgement = judgeOpaque(asked, node);
  return judgement === undefined
    ? []
    : [{ node, shape, judgement, isTyped: isTyped(asked.symbols, node) }];
}

type Made = {
  readonly rows: readonly ts.Expression[];
  /** The shape of each, where its type does not show it. */
  readonly shape: Row["shape"];
};

/** The rows that a callback creates: `xs.map((x) => ({ … }))`, filtered or not. */
function rowsMadeBy(call: ts.CallExpression): Made | undefined {
  const method = methodOf(call);
  if (method === undefined) return undefined;
  // Rows that are not listed get the organization after all filters.
  if (leaving.has(method.name))
    return isList(unwrap(method.on)) ? { rows: [method.on], shape: "array" } : undefined;
  if (!["map", "flatMap", "from"].includes(method.name)) return undefined;
  const made = call.arguments[method.name === "from" ? 1 : 0];
  return made !== undefined && isFunctionNode(made)
    ? { rows: returnedBy(made), shape: method.name === "flatMap" ? "array" : "object" }
    : undefined;
}

/** The judgement of rows that are declared earlier; undefined where they are being judged already. */
function judgeOpaque(asked: Asked, node: ts.Expression): Judgement | undefined {
  const { symbols, column, seen = new Set() } = asked;
  const picking = ts.isCallExpression(node) ? methodOf(node) : undefined;
  if (picking !== undefined && leaving.has(picking.name))
    return judgeOpaque(asked, unwrap(picking.on));
  const declaration = declarationOf(symbols, node);
  if (declaration?.initializer === undefined) return judge(symbols, node, column);
  const first = unwrap(declaration.initializer);
  if (!isList(first)) return judge(symbols, node, column);
  if (seen.has(declaration)) return undefined;
  const within = { symbols, column, seen: seen.add(declaration) };
  const rows = [first, ...pushesTo(symbols, declaration)].flatMap((one) => rowsOf(within, one));
  const together = judgeTogether(rows.map(({ judgement }) => judgement));
  const constant = (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
  const sure = constant && isAbsentOrSet(together) && !isAssignedByIndex(symbols, declaration);
  return sure ? together : { kind: "hidden" };
}

/** Whether an expression is an array by its syntax. */
function isList(node: ts.Expression): boolean {
  return (
    ts.isArrayLiteralExpression(node) ||
    (ts.isCallExpression(node) && rowsMadeBy(node) !== undefined)
  );
}

/** `rows[0] = …` */
function isAssignedByIndex(symbols: Symbols, { name }: ts.VariableDeclaration): boolean {
  const symbol = ts.isIdentifier(name) ? symbols.symbolOf(name) : undefined;
  if (symbol === undefined || !ts.isIdentifier(name)) return false;
  return symbols.usesOf(symbol, name.text).some(({ parent }) => {
    const isAccess = ts.isElementAccessExpression(parent);
    return isAccess && ts.isBinaryExpression(parent.parent) && parent.parent.left === parent;
  });
}

/** The rows that `rows.push(…)` adds to an array. */
function pushesTo(symbols: Symbols, declaration: ts.VariableDeclaration): ts.Expression[] {
  if (!ts.isIdentifier(declaration.name)) return [];
  const symbol = symbols.symbolOf(declaration.name);
  if (symbol === undefined) return [];
  return symbols.usesOf(symbol, declaration.name.text).flatMap((use) => {
    const { parent } = use;
    const call = parent.parent;
    return ts.isPropertyAccessExpression(parent) &&
      ["push", "unshift"].includes(parent.name.text) &&
      ts.isCallExpression(call) &&
      call.expression === parent
      ? call.arguments.map((argument) =>
          ts.isSpreadElement(argument) ? argument.expression : argument,
        )
      : [];
  });
}

function shapeOf(symbols: Symbols, node: ts.Expression): Row["shape"] {
  const { checker } = symbols;
  const type = checker.getApparentType(checker.getTypeAtLocation(node));
  const shapes = new Set(
    (type.isUnion() ? type.types : [type]).map((part) => shapeOfOne(checker, part)),
  );
  const [first = "unknown", other] = shapes;
  if (other !== undefined) return "unknown";
  const declared = declarationOf(symbols, node)?.initializer;
  if (first !== "unknown" || declared === undefined) return first;
  // An expression of type `any` may still be a literal.
  const value = unwrap(declared);
  if (ts.isObjectLiteralExpression(value)) return "object";
  return isList(value) ? "array" : "unknown";
}

function isTyped({ checker }: Symbols, node: ts.Expression): boolean {
  return (checker.getTypeAtLocation(node).flags & ts.TypeFlags.Any) === 0;
}

function shapeOfOne(checker: ts.TypeChecker, type: ts.Type): Row["shape"] {
  const parts = type.isIntersection() ? type.types : [type];
  if (parts.some((part) => checker.isArrayType(part) || checker.isTupleType(part))) return "array";
  const objects = ts.TypeFlags.Object | ts.TypeFlags.NonPrimitive;
  return parts.some((part) => (part.flags & objects) !== 0) ? "object" : "unknown";
}

function formOf(symbols: Symbols, argument: ts.Expression): Payload["form"] {
  const inner = unwrap(argument);
  if (ts.isObjectLiteralExpression(inner))
    return inner.properties.some(ts.isSpreadAssignment) ? "object with a spread" : "object";
  if (ts.isArrayLiteralExpression(inner)) return "array";
  if (ts.isConditionalExpression(inner)) return "conditional";
  if (ts.isCallExpression(inner)) {
    const method = methodOf(inner);
    const before = method === undefined ? undefined : unwrap(method.on);
    const other =
      before !== undefined && ts.isCallExpression(before) ? methodOf(before) : undefined;
    const names = [method?.name, other?.name];
    if (names.includes("map")) return names.includes("filter") ? "map and filter" : "map";
    return functionCalled(symbols, inner) === undefined && method !== undefined ? "other" : "call";
  }
  if (!ts.isIdentifier(inner)) return "other";
  const [declaration] = symbols.symbolOf(inner)?.declarations ?? [];
  if (declaration === undefined) return "other";
  if (isOfParameter(declaration)) return "parameter";
  if (!ts.isVariableDeclaration(declaration)) return "other";
  return pushesTo(symbols, declaration).length > 0 ? "array filled by push" : "declared earlier";
}

function isOfParameter(declaration: ts.Declaration): boolean {
  if (ts.isParameter(declaration)) return true;
  return ts.isBindingElement(declaration) && ts.isParameter(declaration.parent.parent);
}

function declarationOf(symbols: Symbols, node: ts.Expression): ts.VariableDeclaration | undefined {
  if (!ts.isIdentifier(node)) return undefined;
  const [declaration] = symbols.symbolOf(node)?.declarations ?? [];
  return declaration !== undefined && ts.isVariableDeclaration(declaration)
    ? declaration
    : undefined;
}
