import ts from "typescript";
import { clientsOf, leastBound } from "../clients/client.ts";
import { annotationFor } from "../reading/annotation.ts";
import { shortText, unwrap } from "../reading/syntax.ts";
import { type FileContext, notClients, placeOf } from "./chain.ts";
import type { Chain } from "./inventory-entry.ts";

/**
 * A client's `from` that is not called in place: `const { from } = client`, `client.from.bind(client)`.
 * Its queries cannot be followed, and are listed as unresolved.
 */
export function fromValueIn(context: FileContext, node: ts.Node): Chain | undefined {
  const client = clientTakenFrom(node);
  if (client === undefined || notClients.test(unwrap(client).getText())) return undefined;
  const { symbols, annotations, file } = context;
  const kept = leastBound(clientsOf(symbols, client));
  const isClient =
    kept.kind !== "unknown" ||
    symbols.checker.getTypeAtLocation(client).symbol?.name === "SupabaseClient";
  if (!isClient) return undefined;
  const value = ts.isPropertyAccessExpression(node) ? node : client;
  return {
    kind: "chain",
    place: placeOf(file, value),
    part: file.part,
    node: value,
    annotation: annotationFor(annotations, file, value),
    client: kept,
    tables: { kind: "unresolved", text: shortText(node) },
    relations: [],
    operation: "none",
    operationCall: undefined,
    payload: undefined,
    filters: [],
    selection: { embeds: [], unread: undefined },
    later: [],
  };
}

function clientTakenFrom(node: ts.Node): ts.Expression | undefined {
  if (ts.isPropertyAccessExpression(node)) {
    const isCalled = ts.isCallExpression(node.parent) && node.parent.expression === node;
    const isStorage =
      ts.isPropertyAccessExpression(node.expression) && node.expression.name.text === "storage";
    return node.name.text === "from" && !isCalled && !isStorage ? node.expression : undefined;
  }
  if (!ts.isBindingElement(node)) return undefined;
  const holder = node.parent.parent;
  return (node.propertyName ?? node.name).getText() === "from" &&
    ts.isObjectBindingPattern(node.parent) &&
    ts.isVariableDeclaration(holder)
    ? holder.initializer
    : undefined;
}
