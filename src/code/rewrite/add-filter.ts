import ts from "typescript";
import { type Edit, indentAt, insertion, lineEnd, quotedLike } from "./edit.ts";

/** `.eq(column, organization)` after the operation, on a new line if the operation is on its own line. */
export function addFilter(
  operation: ts.CallExpression,
  column: string,
  organization: string,
): Edit[] {
  const source = operation.getSourceFile();
  const callee = operation.expression;
  if (!ts.isPropertyAccessExpression(callee)) return [];
  const quoted = quotedLike(source, firstText(operation), column);
  const filter = `.eq(${quoted}, ${organization})`;
  const dot = callee.name.getStart() - 1;
  const before = source.text.slice(callee.expression.getEnd(), dot);
  const isOnOwnLine = before.includes("\n");
  const text = isOnOwnLine ? `${lineEnd(source)}${indentAt(source, dot)}${filter}` : filter;
  if (!isOnOwnLine) return [insertion(source, operation.getEnd(), text)];
  // A comment after the operation stays with it.
  const rest = /^[ \t]*(\/\/[^\r\n]*|\/\*[^\r\n]*\*\/[ \t]*(?=[\r\n]))/.exec(
    source.text.slice(operation.getEnd()),
  );
  return [insertion(source, operation.getEnd() + (rest?.[0].trimEnd().length ?? 0), text)];
}

/** The nearest string in the chain, for its quotes. */
function firstText(operation: ts.CallExpression): ts.Node | undefined {
  let node: ts.Expression = operation;
  for (;;) {
    if (ts.isCallExpression(node)) {
      const text = node.arguments.find(ts.isStringLiteral);
      if (text !== undefined) return text;
      node = node.expression;
    } else if (ts.isPropertyAccessExpression(node)) node = node.expression;
    else return undefined;
  }
}
