import ts from "typescript";
import {
  type FunctionNode,
  isFunctionNode,
  isNothing,
  methodOf,
  unwrap,
} from "../reading/syntax.ts";

/** The place in an edge function's handler after which the caller is a verified user. */
export type UserGuard = {
  /** The name of the handler's request. */
  readonly request: string;
  /** The statement that returns for all other callers. */
  readonly statement: ts.Statement;
};

/**
 * The guard before a node of a handler: `auth.getUser()`, and a return for callers that are not users.
 * Without both, the caller may be a webhook, a job or anonymous, and has no organization.
 */
export function userGuardBefore(node: ts.Node): UserGuard | undefined {
  for (let inner = node; inner.parent !== undefined; inner = inner.parent) {
    // The function may be called from anywhere, also before the guard.
    if (ts.isFunctionDeclaration(inner) && isFunctionNode(inner) && !isServed(inner))
      return undefined;
    const block = inner.parent;
    if (!ts.isBlock(block)) continue;
    const handler = handlerOf(block);
    const request = handler?.parameters[0]?.name;
    if (request === undefined || !ts.isIdentifier(request)) continue;
    const before = block.statements.filter((one) => one.getEnd() <= inner.getStart());
    const statement = guardAmong(before);
    if (statement !== undefined) return { request: request.text, statement };
  }
  return undefined;
}

/** The asynchronous handler with this block, directly or in a `try`. */
function handlerOf(block: ts.Block): FunctionNode | undefined {
  const { parent } = block;
  if (ts.isTryStatement(parent) && parent.tryBlock === block && ts.isBlock(parent.parent))
    return handlerOf(parent.parent);
  if (!isFunctionNode(parent) || !isServed(parent)) return undefined;
  return (ts.getCombinedModifierFlags(parent) & ts.ModifierFlags.Async) === 0 ? undefined : parent;
}

/** `Deno.serve(async (request) => …)`, `serve(handler)` */
function isServed(node: FunctionNode): boolean {
  if (isServe(node.parent)) return true;
  const name = ts.isVariableDeclaration(node.parent) ? node.parent.name : node.name;
  if (name === undefined || !ts.isIdentifier(name)) return false;
  return node
    .getSourceFile()
    .statements.some(
      (statement) =>
        ts.isExpressionStatement(statement) &&
        isServe(statement.expression) &&
        statement.expression.arguments.some(
          (argument) => ts.isIdentifier(argument) && argument.text === name.text,
        ),
    );
}

function isServe(node: ts.Node): node is ts.CallExpression {
  return ts.isCallExpression(node) && /^(Deno\.)?serve$/.test(node.expression.getText());
}

/** Names of parts of the result of `auth.getUser()`: `user` is `data.user`; "" is the whole result. */
type Answers = Map<string, string>;

function guardAmong(statements: readonly ts.Statement[]): ts.Statement | undefined {
  const answers: Answers = new Map();
  for (const statement of statements) {
    if (ts.isVariableStatement(statement)) nameAnswers(statement.declarationList, answers);
    if (!ts.isIfStatement(statement) || !leaves(statement)) continue;
    if (isOfNobody(statement.expression, answers)) return statement;
  }
  return undefined;
}

/** Whether an `if` leaves the function where its condition holds. */
function leaves({ thenStatement, elseStatement }: ts.IfStatement): boolean {
  const last = ts.isBlock(thenStatement) ? thenStatement.statements.at(-1) : thenStatement;
  if (last === undefined || elseStatement !== undefined) return false;
  return ts.isReturnStatement(last) || ts.isThrowStatement(last);
}

/** A variable that is not a constant may hold another user when it is read. */
function nameAnswers(list: ts.VariableDeclarationList, answers: Answers): void {
  if ((list.flags & ts.NodeFlags.Const) === 0) return;
  for (const { name, initializer } of list.declarations) {
    const path = initializer === undefined ? undefined : pathOf(initializer, answers);
    if (path !== undefined) nameParts(name, path, answers);
  }
}

function nameParts(name: ts.BindingName, path: string, answers: Answers): void {
  if (ts.isIdentifier(name)) answers.set(name.text, path);
  if (!ts.isObjectBindingPattern(name)) return;
  for (const { name: own, propertyName, dotDotDotToken } of name.elements) {
    if (dotDotDotToken !== undefined) continue;
    nameParts(own, within(path, (propertyName ?? own).getText()), answers);
  }
}

function pathOf(expression: ts.Expression, answers: Answers): string | undefined {
  const inner = unwrap(expression);
  if (isGetUser(inner)) return "";
  if (ts.isIdentifier(inner)) return answers.get(inner.text);
  if (!ts.isPropertyAccessExpression(inner)) return undefined;
  const path = pathOf(inner.expression, answers);
  return path === undefined ? undefined : within(path, inner.name.text);
}

function within(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function isGetUser(expression: ts.Expression): boolean {
  if (!ts.isCallExpression(expression)) return false;
  const method = methodOf(expression);
  return method?.name === "getUser" && /\bauth$/.test(method.on.getText());
}

/** Whether a condition is true for every caller that is not a user: `error || !user`, `user === null`. */
function isOfNobody(condition: ts.Expression, answers: Answers): boolean {
  const inner = unwrap(condition);
  const isUser = (path: string | undefined) => /^data\.user(\.|$)/.test(path ?? "");
  if (ts.isPrefixUnaryExpression(inner)) {
    const isNot = inner.operator === ts.SyntaxKind.ExclamationToken;
    return isNot && isUser(pathOf(inner.operand, answers));
  }
  if (!ts.isBinaryExpression(inner)) return pathOf(inner, answers) === "error";
  const { left, right } = inner;
  const operator = inner.operatorToken.getText();
  if (operator === "||") return isOfNobody(left, answers) || isOfNobody(right, answers);
  // supabase-js returns null, never undefined.
  if (!isNothing(right) || (operator.length === 3 && right.getText() !== "null")) return false;
  const path = pathOf(left, answers);
  return operator.startsWith("!")
    ? path === "error"
    : operator.startsWith("=") && path === "data.user";
}
