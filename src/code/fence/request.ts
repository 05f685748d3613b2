import ts from "typescript";
import type { Symbols } from "../reading/symbols.ts";
import { isFunctionNode, methodOf, unwrap } from "../reading/syntax.ts";

const requests = new Set(["req", "request"]);
const types = new Set(["Request", "NextRequest", "IncomingMessage", "HonoRequest"]);
const properties = new Set("body query params url headers cookies nextUrl".split(" "));
/** Properties of the event that cloud functions get. */
const eventProperties = new Set(
  "body headers rawQueryString queryStringParameters pathParameters".split(" "),
);

/** Whether an expression is a handler's request: `req`, `context.request`, `req.clone()`. */
export function isRequest(symbols: Symbols, expression: ts.Expression): boolean {
  const inner = unwrap(expression);
  if (ts.isPropertyAccessExpression(inner)) return requests.has(inner.name.text);
  if (ts.isCallExpression(inner)) {
    const method = methodOf(inner);
    return method?.name === "clone" && isRequest(symbols, method.on);
  }
  if (!ts.isIdentifier(inner)) return false;
  if (requests.has(inner.text)) return true;
  return types.has(symbols.checker.getTypeAtLocation(inner).symbol?.name ?? "");
}

/** `req.body`, `event.queryStringParameters`, and the `cookies()` and `headers()` of next/headers. */
export function isPartOfRequest(symbols: Symbols, inner: ts.Expression): boolean {
  if (ts.isPropertyAccessExpression(inner)) {
    const { expression: object, name } = inner;
    if (properties.has(name.text)) {
      if (isRequest(symbols, object)) return true;
    }
    return object.getText() === "event" && eventProperties.has(name.text);
  }
  if (!ts.isCallExpression(inner) || !ts.isIdentifier(inner.expression)) return false;
  const [declaration] = symbols.checker.getSymbolAtLocation(inner.expression)?.declarations ?? [];
  const imported =
    declaration === undefined ? undefined : ts.findAncestor(declaration, ts.isImportDeclaration);
  return (
    imported !== undefined &&
    ts.isStringLiteral(imported.moduleSpecifier) &&
    imported.moduleSpecifier.text === "next/headers"
  );
}

/** Browsers call a function with "use server": its parameters come from the request. */
export function isOfServerAction({ parent }: ts.ParameterDeclaration): boolean {
  if (!isFunctionNode(parent)) return false;
  const own = ts.isBlock(parent.body) ? parent.body.statements : [];
  const statement = ts.findAncestor(parent, ts.isStatement);
  const isExported =
    statement !== undefined &&
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;
  return isForServer(own) || (isExported && isForServer(parent.getSourceFile().statements));
}

function isForServer([first]: readonly ts.Statement[]): boolean {
  return (
    first !== undefined &&
    ts.isExpressionStatement(first) &&
    ts.isStringLiteral(first.expression) &&
    first.expression.text === "use server"
  );
}
