import ts from "typescript";
import { isNothing, unwrap } from "../reading/syntax.ts";

const userNames =
  /^(current|auth|signedIn|loggedIn)?_?(user|session|userId|profile)$|^(is)?_?(authenticated|loggedIn|signedIn|authed)$/i;

/**
 * Whether only signed-in users reach a node, because of the condition right above it:
 * `session ? <Pages /> : <SignIn />`, or `if (!user) return <SignIn />;` before it.
 */
export function isBehindSignIn(checker: ts.TypeChecker, node: ts.Node): boolean {
  const { parent } = node;
  const provesUser = (condition: ts.Expression, outcome: boolean) =>
    proves(checker, condition, outcome);
  if (ts.isConditionalExpression(parent))
    return node !== parent.condition && provesUser(parent.condition, node === parent.whenTrue);
  if (ts.isBinaryExpression(parent) && parent.right === node)
    return (
      parent.operatorToken.kind === ts.SyntaxKind.AmpersandAmpersandToken &&
      provesUser(parent.left, true)
    );
  if (ts.isIfStatement(parent))
    return (
      node !== parent.expression && provesUser(parent.expression, node === parent.thenStatement)
    );
  if (!ts.isBlock(parent)) return false;
  return parent.statements.some(
    (one) =>
      ts.isIfStatement(one) &&
      one.getEnd() <= node.getStart() &&
      one.elseStatement === undefined &&
      leaves(one.thenStatement) &&
      provesUser(one.expression, false),
  );
}

function leaves(statement: ts.Statement): boolean {
  const last = ts.isBlock(statement) ? statement.statements.at(-1) : statement;
  return last !== undefined && (ts.isReturnStatement(last) || ts.isThrowStatement(last));
}

/** Whether a condition with this outcome means that a user is signed in. */
function proves(checker: ts.TypeChecker, condition: ts.Expression, outcome: boolean): boolean {
  const inner = unwrap(condition);
  if (ts.isPrefixUnaryExpression(inner))
    return (
      inner.operator === ts.SyntaxKind.ExclamationToken && proves(checker, inner.operand, !outcome)
    );
  if (ts.isCallExpression(inner) && inner.expression.getText() === "Boolean") {
    const [argument] = inner.arguments;
    return argument !== undefined && proves(checker, argument, outcome);
  }
  if (!ts.isBinaryExpression(inner)) return outcome && namesUser(inner);
  const { left, right, operatorToken } = inner;
  const sides = [left, right].map((one) => proves(checker, one, outcome));
  switch (operatorToken.kind) {
    case ts.SyntaxKind.AmpersandAmpersandToken:
      return outcome ? sides.some(Boolean) : sides.every(Boolean);
    case ts.SyntaxKind.BarBarToken:
      return outcome ? sides.every(Boolean) : sides.some(Boolean);
    case ts.SyntaxKind.EqualsEqualsToken:
    case ts.SyntaxKind.EqualsEqualsEqualsToken:
      return !outcome && isNobody(checker, inner);
    case ts.SyntaxKind.ExclamationEqualsToken:
    case ts.SyntaxKind.ExclamationEqualsEqualsToken:
      return outcome && isNobody(checker, inner);
    default:
      return false;
  }
}

/** `session === null`, if it cannot be undefined, which often means "not known yet". */
function isNobody(checker: ts.TypeChecker, { left, right, operatorToken }: ts.BinaryExpression) {
  if (!isNothing(right) || !namesUser(unwrap(left))) return false;
  if (operatorToken.getText().length < 3) return true;
  const type = checker.getTypeAtLocation(left);
  const parts = type.isUnion() ? type.types : [type];
  const isNull = unwrap(right).kind === ts.SyntaxKind.NullKeyword;
  if (parts.some(({ flags }) => (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) !== 0))
    return isNull;
  const other = isNull ? ts.TypeFlags.Undefined : ts.TypeFlags.Null;
  return !parts.some(({ flags }) => (flags & other) !== 0);
}

function namesUser(node: ts.Expression): boolean {
  if (ts.isIdentifier(node)) return userNames.test(node.text);
  if (!ts.isPropertyAccessExpression(node)) return false;
  // `session.user`, `auth.user`, `user.id`
  return userNames.test(node.name.text) || namesUser(unwrap(node.expression));
}
