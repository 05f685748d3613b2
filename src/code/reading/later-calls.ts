import ts from "typescript";
import { type Filter, filtersOf } from "../queries/filters.ts";
import { memoize } from "./memoize.ts";
import { nameOfFunction, type Symbols } from "./symbols.ts";
import {
  callsBehind,
  functionAround,
  isDiscarded,
  isFunctionNode,
  type MethodCall,
  shortText,
  wrapped,
} from "./syntax.ts";

const longestWay = 4;

/** Calls in later statements on a query that a variable holds: `query = query.eq(…)`. */
export type LaterCall = {
  readonly line: number;
  readonly calls: readonly MethodCall[];
  /** The condition under which it runs; undefined where it always does. */
  readonly when: string | undefined;
  /** Whether its result is discarded: `query.eq(…)` as a statement. */
  readonly discarded: boolean;
};

/** The name of the variable that an expression is assigned to; undefined where it is not assigned. */
export function variableFor(end: ts.Expression): ts.Identifier | undefined {
  let value = wrapped(end);
  // Both branches of a condition are assigned to the same variable.
  while (ts.isConditionalExpression(value.parent) && value.parent.condition !== value)
    value = wrapped(value.parent);
  const { parent } = value;
  if (ts.isVariableDeclaration(parent) && parent.initializer === value)
    return ts.isIdentifier(parent.name) ? parent.name : undefined;
  if (
    ts.isBinaryExpression(parent) &&
    parent.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
    parent.right === value &&
    ts.isIdentifier(parent.left)
  )
    return parent.left;
  return undefined;
}

/** The uses of a variable after it gets its value. */
export function usesAfter(symbols: Symbols, name: ts.Identifier): readonly ts.MemberName[] {
  const symbol = symbols.symbolOf(name);
  if (symbol === undefined) return [];
  return symbols.usesOf(symbol, name.text).filter((use) => use.pos > name.pos);
}

/** All calls on a query after the statement that begins it. */
export function laterCallsOf(symbols: Symbols, end: ts.Expression, way = 0): readonly LaterCall[] {
  return laterIn(symbols)[way]?.(end) ?? [];
}

/** For each distance from the beginning of the query, each expression is followed once. */
const laterIn = memoize((symbols: Symbols) =>
  Array.from({ length: longestWay }, (_, way) =>
    memoize((end: ts.Expression): readonly LaterCall[] => {
      const name = variableFor(end);
      if (name !== undefined) return eachOnce(ofVariable(symbols, name, way));
      return way < 2 ? eachOnce(ofCallers(symbols, end, way)) : [];
    }),
  ),
);

/** Paths that lead to the same call under the same condition count once. */
function eachOnce(all: readonly LaterCall[]): readonly LaterCall[] {
  const seen = new Map<ts.Node | undefined, Set<string | undefined>>();
  return all.filter(({ calls: [first], when }) => {
    const conditions = seen.get(first?.call) ?? new Set();
    seen.set(first?.call, conditions);
    if (conditions.has(when)) return false;
    conditions.add(when);
    return true;
  });
}

function ofVariable(symbols: Symbols, name: ts.Identifier, way: number): readonly LaterCall[] {
  const uses = usesAfter(symbols, name).map((use) => ({ use, ...callsBehind(use) }));
  const isKept = (end: ts.Expression) => variableFor(end)?.text === name.text;
  // What one of several uses adds, the others do not have.
  const several = uses.filter(({ end }) => !isKept(end) && !isAssigned(end)).length > 1;
  const asked = uses.find(({ calls, end }) => {
    const isAdded = isKept(end) || isAssigned(end) || (calls.length > 0 && isDiscarded(end));
    return !isAdded;
  });
  return uses.flatMap(({ use, calls, end }) => {
    const source = use.getSourceFile();
    const line = source.getLineAndCharacterOfPosition(use.getStart()).line + 1;
    const condition = conditionOf(use, name);
    const isLate = asked !== undefined && asked.use.pos < use.pos;
    const when =
      condition ??
      (isKept(end)
        ? isLate
          ? "after another use"
          : undefined
        : several
          ? "in one of several uses"
          : undefined);
    const own: LaterCall[] =
      calls.length === 0 ? [] : [{ line, calls, when, discarded: isDiscarded(end) }];
    const other = variableFor(end);
    const further =
      other !== undefined && other.text !== name.text ? laterCallsOf(symbols, end, way + 1) : [];
    return [...own, ...further.map((one) => ({ ...one, when: one.when ?? when }))];
  });
}

/** The left side of `query = …`. */
function isAssigned(use: ts.Expression): boolean {
  const { parent } = use;
  return (
    ts.isBinaryExpression(parent) &&
    parent.left === use &&
    parent.operatorToken.kind === ts.SyntaxKind.EqualsToken
  );
}

/** Where a function returns the query, its callers continue it. */
function ofCallers(symbols: Symbols, end: ts.Expression, way: number): readonly LaterCall[] {
  const giver = functionReturning(end);
  if (giver === undefined) return [];
  const name = nameOfFunction(giver)?.text ?? "a function";
  return symbols.callsOf(giver).flatMap((call) => {
    const behind = callsBehind(call);
    const source = call.getSourceFile();
    const line = source.getLineAndCharacterOfPosition(call.getStart()).line + 1;
    const own: LaterCall[] =
      behind.calls.length === 0
        ? []
        : [{ line, calls: behind.calls, when: `in a caller of ${name}`, discarded: false }];
    const further = laterCallsOf(symbols, behind.end, way + 1);
    return [...own, ...further.map((one) => ({ ...one, when: `in a caller of ${name}` }))];
  });
}

/** The function whose result an expression is. */
export function functionReturning(end: ts.Expression) {
  const value = wrapped(end);
  const around = functionAround(value);
  if (around === undefined) return undefined;
  return value.parent === around || ts.isReturnStatement(value.parent) ? around : undefined;
}

/** The conditions between a use and the block of the declaration, the innermost first. */
export function conditionOf(use: ts.Node, declaration: ts.Node): string | undefined {
  const outside = new Set<ts.Node>();
  for (let node: ts.Node = declaration; node !== undefined; node = node.parent) outside.add(node);
  const found: string[] = [];
  for (let node = use; !outside.has(node.parent); node = node.parent) {
    const { parent } = node;
    if (ts.isIfStatement(parent) && node !== parent.expression) {
      const text = shortText(parent.expression);
      found.push(node === parent.thenStatement ? text : `not (${text})`);
    } else if (ts.isConditionalExpression(parent) && node !== parent.condition) {
      const text = shortText(parent.condition);
      found.push(node === parent.whenTrue ? text : `not (${text})`);
    } else if (ts.isBinaryExpression(parent) && node === parent.right && isLazy(parent))
      found.push(shortText(parent.left));
    else if (ts.isCaseClause(parent)) found.push(`case ${shortText(parent.expression)}`);
    else if (ts.isDefaultClause(parent)) found.push("default");
    else if (ts.isIterationStatement(parent, false)) found.push("in a loop");
    else if (ts.isCatchClause(parent)) found.push("in a catch");
    else if (isFunctionNode(parent)) found.push("in a callback");
  }
  return found.length === 0 ? undefined : found.join(" and ");
}

function isLazy({ operatorToken }: ts.BinaryExpression): boolean {
  return [
    ts.SyntaxKind.AmpersandAmpersandToken,
    ts.SyntaxKind.BarBarToken,
    ts.SyntaxKind.QuestionQuestionToken,
  ].includes(operatorToken.kind);
}

/** The filters that later calls add. A discarded result does not count. */
export function laterFilters(symbols: Symbols, later: readonly LaterCall[]): Filter[] {
  return later.flatMap(({ calls, when, discarded }) =>
    filtersOf(symbols, calls, when ?? (discarded ? "its result is discarded" : undefined)),
  );
}
