import ts from "typescript";
import { clientsOf, leastBound } from "../clients/client.ts";
import { annotationFor } from "../reading/annotation.ts";
import { usesAfter, variableFor } from "../reading/later-calls.ts";
import { objectsTakenApart } from "../reading/property-values.ts";
import type { Symbols } from "../reading/symbols.ts";
import { callsBehind, type MethodCall, methodOf, shortText, unwrap } from "../reading/syntax.ts";
import { stringsOf } from "../reading/table-name.ts";
import { type FileContext, placeOf } from "./chain.ts";
import type { Invocation, RemoteCall, StorageAccess } from "./inventory-entry.ts";

/** `client.rpc(…)`, `client.functions.invoke(…)` and `client.storage.from(…)`. */
export function remoteCallsFrom(
  context: FileContext,
  call: ts.CallExpression,
): readonly (RemoteCall | Invocation | StorageAccess)[] {
  const method = methodOf(call);
  const [argument] = call.arguments;
  if (method === undefined || argument === undefined) return [];
  const receiver = unwrap(method.on);
  const { symbols, annotations, file } = context;
  const names = () => {
    const known = stringsOf(symbols, argument);
    return known.kind === "known" ? known.names.join(" or ") : shortText(argument);
  };
  const found = {
    place: placeOf(file, call),
    part: file.part,
    annotation: annotationFor(annotations, file, call),
  };
  if (method.name === "rpc") {
    const client = leastBound(clientsOf(symbols, method.on));
    return [{ ...found, kind: "rpc", node: call, client, name: names() }];
  }
  const member = ts.isPropertyAccessExpression(receiver) ? receiver.name.text : undefined;
  if (method.name === "invoke" && member === "functions")
    return [{ ...found, kind: "invocation", node: call, name: names() }];
  const owner = method.name === "from" ? storageOwner(symbols, receiver) : undefined;
  if (owner === undefined) return [];
  const storage = {
    kind: "storage",
    part: file.part,
    client: leastBound(clientsOf(symbols, owner)),
    bucket: names(),
  } as const;
  return bucketUses(symbols, call).map(({ node, method: used }) => ({
    ...storage,
    place: placeOf(file, node),
    annotation: annotationFor(annotations, file, node),
    node,
    method: used?.name ?? "none",
    path: used?.call.arguments[0],
  }));
}

/** The client whose `storage` an expression is, also from a variable. */
function storageOwner(symbols: Symbols, receiver: ts.Expression): ts.Expression | undefined {
  if (ts.isPropertyAccessExpression(receiver))
    return receiver.name.text === "storage" ? receiver.expression : undefined;
  const [declaration] = symbols.symbolOf(receiver)?.declarations ?? [];
  if (declaration === undefined) return undefined;
  if (ts.isBindingElement(declaration)) {
    const key = (declaration.propertyName ?? declaration.name).getText();
    return key === "storage" ? objectsTakenApart(symbols, declaration)[0] : undefined;
  }
  const held = ts.isVariableDeclaration(declaration) ? declaration.initializer : undefined;
  const inner = held === undefined ? undefined : unwrap(held);
  return inner !== undefined &&
    ts.isPropertyAccessExpression(inner) &&
    inner.name.text === "storage"
    ? inner.expression
    : undefined;
}

type BucketUse = { readonly node: ts.CallExpression; readonly method: MethodCall | undefined };

/** The calls on a bucket, here or on a variable that holds it. */
function bucketUses(symbols: Symbols, call: ts.CallExpression): readonly BucketUse[] {
  const { calls, end } = callsBehind(call);
  const [used] = calls;
  if (used !== undefined) return [{ node: used.call, method: used }];
  const variable = variableFor(end);
  const later = (variable === undefined ? [] : usesAfter(symbols, variable)).flatMap((use) => {
    const [first] = callsBehind(use).calls;
    return first === undefined ? [] : [{ node: first.call, method: first }];
  });
  return later.length > 0 ? later : [{ node: call, method: undefined }];
}
