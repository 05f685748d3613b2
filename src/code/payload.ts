import ts from "typescript";
import { isAbsentOrSet, type Judgement, judge, judgeTogether } from "./payload-column.ts";
import { functionCalled, type Symbols } from "./symbols.ts";
import { isFunctionNode, methodOf, returnedBy, unwrap } from "./syntax.ts";

/** One row of a payload, or an expression that holds rows which cannot be seen one by one. */
export type Row = {
  readonly node: ts.Expression;
  readonly shape: "literal" | "object" | "array" | "unknown";
  readonly judgement: Judgement;
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

/** These leave rows as they are. */
const leaving = new Set(["filter", "slice", "sort", "toSorted", "reverse", "toReversed", "flat"]);

/** The rows that are handed to insert, upsert or update, judged by one column. */
export function payloadOf(symbols: Symbols, argument: ts.Expression, column: string): Payload {
  const rows = rowsOf(symbols, argument, column);
  return { form: formOf(symbols, argument), node: argument, rows };
}

function rowsOf(symbols: Symbols, expression: ts.Expression, column: string): Row[] {
  const inner = unwrap(expression);
  const below = (one: ts.Expression) => rowsOf(symbols, one, column);
  if (inner.kind === ts.SyntaxKind.NullKeyword || isUndefined(inner)) return [];
  if (ts.isObjectLiteralExpression(inner))
    return [{ node: inner, shape: "literal", judgement: judge(symbols, inner, column) }];
  if (ts.isArrayLiteralExpression(inner))
    return inner.elements.flatMap((element) =>
      ts.isSpreadElement(element) ? arrayOf(symbols, element.expression, column) : below(element),
    );
  if (ts.isConditionalExpression(inner))
    return [...below(inner.whenTrue), ...below(inner.whenFalse)];
  const made = ts.isCallExpression(inner) ? rowsMadeBy(inner) : undefined;
  if (made !== undefined) return made.flatMap(below);
  return [
    {
      node: inner,
      shape: shapeOf(symbols, inner),
      judgement: judgeOpaque(symbols, inner, column),
    },
  ];
}

function arrayOf(symbols: Symbols, expression: ts.Expression, column: string): Row[] {
  const inner = unwrap(expression);
  if (ts.isArrayLiteralExpression(inner) || ts.isCallExpression(inner))
    return rowsOf(symbols, inner, column);
  return [{ node: inner, shape: "array", judgement: judgeOpaque(symbols, inner, column) }];
}

/** The rows that are written out in a call: `xs.map((x) => ({ … }))`, filtered or not. */
function rowsMadeBy(call: ts.CallExpression): readonly ts.Expression[] | undefined {
  const method = methodOf(call);
  if (method === undefined) return undefined;
  if (leaving.has(method.name)) return [method.on];
  const position = method.name === "from" ? 1 : 0;
  if (!["map", "flatMap", "from"].includes(method.name)) return undefined;
  const made = call.arguments[position];
  return made !== undefined && isFunctionNode(made) ? returnedBy(made) : undefined;
}

/** What can be said of rows that are declared earlier. */
function judgeOpaque(symbols: Symbols, node: ts.Expression, column: string): Judgement {
  const declaration = declarationOf(symbols, node);
  if (declaration?.initializer === undefined) return judge(symbols, node, column);
  const first = unwrap(declaration.initializer);
  const isList = ts.isArrayLiteralExpression(first) || rowsMadeByCall(first) !== undefined;
  if (!isList) return judge(symbols, node, column);
  const rows = [
    ...rowsOf(symbols, first, column),
    ...pushesTo(symbols, declaration).flatMap((one) => rowsOf(symbols, one, column)),
  ];
  const together = judgeTogether(rows.map(({ judgement }) => judgement));
  const constant = (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
  return constant && isAbsentOrSet(together) ? together : { kind: "hidden" };
}

function rowsMadeByCall(node: ts.Expression): readonly ts.Expression[] | undefined {
  return ts.isCallExpression(node) ? rowsMadeBy(node) : undefined;
}

/** What `rows.push(…)` adds to an array. */
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

function shapeOf({ checker }: Symbols, node: ts.Expression): Row["shape"] {
  const type = checker.getApparentType(checker.getTypeAtLocation(node));
  const shapes = new Set(
    (type.isUnion() ? type.types : [type]).map((part) => shapeOfOne(checker, part)),
  );
  const [first = "unknown", other] = shapes;
  return other === undefined ? first : "unknown";
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

function isUndefined(node: ts.Expression): boolean {
  return ts.isIdentifier(node) && node.text === "undefined";
}
