import ts from "typescript";
import { memoize } from "./memoize.ts";

export type SourcePlace = {
  /** From the code's folder, with slashes. */
  readonly file: string;
  /** From 1, as editors count. */
  readonly line: number;
  readonly column: number;
};

/** The expression itself, without parentheses, casts, `!` and `await` around it. */
export function unwrap(node: ts.Expression): ts.Expression {
  if (
    ts.isParenthesizedExpression(node) ||
    ts.isAsExpression(node) ||
    ts.isSatisfiesExpression(node) ||
    ts.isNonNullExpression(node) ||
    ts.isTypeAssertionExpression(node) ||
    ts.isAwaitExpression(node)
  )
    return unwrap(node.expression);
  return node;
}

/** The outermost node of the same expression: with the parentheses, casts and `!` around it. */
export function wrapped(node: ts.Expression): ts.Expression;
export function wrapped(node: ts.Node): ts.Node;
export function wrapped(node: ts.Node): ts.Node {
  const { parent } = node;
  return (ts.isParenthesizedExpression(parent) ||
    ts.isAsExpression(parent) ||
    ts.isSatisfiesExpression(parent) ||
    ts.isNonNullExpression(parent)) &&
    parent.expression === node
    ? wrapped(parent)
    : node;
}

export type MethodCall = { readonly name: string; readonly call: ts.CallExpression };

/** The methods that are called on an expression, one after the other, and the end of the chain. */
export function callsBehind(head: ts.Expression): {
  readonly calls: readonly MethodCall[];
  readonly end: ts.Expression;
} {
  const calls: MethodCall[] = [];
  let end = wrapped(head);
  for (;;) {
    const method = end.parent;
    if (!ts.isPropertyAccessExpression(method) || method.expression !== end) break;
    const call = method.parent;
    if (!ts.isCallExpression(call) || call.expression !== method) break;
    calls.push({ name: method.name.text, call });
    end = wrapped(call);
  }
  return { calls, end };
}

/** The name of the method that is called, and on what; undefined for any other call. */
export function methodOf(
  call: ts.CallExpression,
): { readonly name: string; readonly on: ts.Expression } | undefined {
  const { expression: callee } = call;
  if (ts.isPropertyAccessExpression(callee))
    return { name: callee.name.text, on: callee.expression };
  // client["from"]("leads")
  return ts.isElementAccessExpression(callee) && ts.isStringLiteralLike(callee.argumentExpression)
    ? { name: callee.argumentExpression.text, on: callee.expression }
    : undefined;
}

/** A function with a body. */
export type FunctionNode = ts.FunctionLikeDeclaration & { readonly body: ts.ConciseBody };

/** Whether a node is a function with a body; an overload signature is not. */
export function isFunctionNode(node: ts.Node): node is FunctionNode {
  return (
    (ts.isFunctionDeclaration(node) ||
      ts.isFunctionExpression(node) ||
      ts.isArrowFunction(node) ||
      ts.isMethodDeclaration(node) ||
      ts.isGetAccessorDeclaration(node) ||
      ts.isConstructorDeclaration(node)) &&
    node.body !== undefined
  );
}

/** The function that a node is in; undefined at the top of a module. */
export function functionAround(node: ts.Node): FunctionNode | undefined {
  return ts.findAncestor(node.parent, isFunctionNode);
}

/** The expressions that a function returns: its body, or the expression of each `return`. */
export const returnedBy = memoize((node: FunctionNode): readonly ts.Expression[] => {
  if (!ts.isBlock(node.body)) return [node.body];
  const found: ts.Expression[] = [];
  const visit = (inner: ts.Node): void => {
    if (isFunctionNode(inner)) return;
    if (ts.isReturnStatement(inner) && inner.expression !== undefined) found.push(inner.expression);
    ts.forEachChild(inner, visit);
  };
  visit(node.body);
  return found;
});

/** Everything below a node, the node itself first. */
export function everyNode(node: ts.Node, visit: (inner: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => everyNode(child, visit));
}

/** A node's text on one line, cut where it is long. */
export function shortText(node: ts.Node, longest = 60): string {
  const text = node.getText().replace(/\s+/g, " ");
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

/** The property of an object literal with this name, if the literal lists it. */
export function propertyOf(
  object: ts.ObjectLiteralExpression,
  name: string,
): ts.ObjectLiteralElementLike | undefined {
  return object.properties.findLast((property) => nameOf(property) === name);
}

/** A property's name; undefined where it is computed, or a spread. */
export function nameOf(property: ts.ObjectLiteralElementLike): string | undefined {
  const { name } = property;
  if (name === undefined) return undefined;
  return ts.isIdentifier(name) || ts.isStringLiteralLike(name) ? name.text : undefined;
}

/** The value of a property; undefined for a method. */
export function initializerOf(property: ts.ObjectLiteralElementLike): ts.Expression | undefined {
  if (ts.isPropertyAssignment(property)) return property.initializer;
  return ts.isShorthandPropertyAssignment(property) ? property.name : undefined;
}

/** Whether the value of an expression is discarded: it is a statement by itself. */
export function isDiscarded(end: ts.Expression): boolean {
  return ts.isExpressionStatement(end.parent);
}

/** Whether an expression is literally null or undefined. */
export function isNothing(value: ts.Expression): boolean {
  const inner = unwrap(value);
  return (
    inner.kind === ts.SyntaxKind.NullKeyword ||
    (ts.isIdentifier(inner) && inner.text === "undefined")
  );
}

/** `??` and `||`: the value is one side or the other. */
export function isEither(kind: ts.SyntaxKind): boolean {
  return [
    ts.SyntaxKind.BarBarToken,
    ts.SyntaxKind.QuestionQuestionToken,
    ts.SyntaxKind.BarBarEqualsToken,
    ts.SyntaxKind.QuestionQuestionEqualsToken,
  ].includes(kind);
}
