import ts from "typescript";
import { annotationFor } from "./annotation.ts";
import { placeOf, type Surroundings } from "./chain.ts";
import { clientsOf, leastBound } from "./client.ts";
import type { Invocation, RemoteCall, StorageAccess } from "./entry.ts";
import { callsBehind, methodOf, shortText, unwrap } from "./syntax.ts";
import { stringsOf } from "./table-name.ts";

/** `client.rpc(…)`, `client.functions.invoke(…)` and `client.storage.from(…)`. */
export function remoteCallFrom(
  around: Surroundings,
  call: ts.CallExpression,
): RemoteCall | Invocation | StorageAccess | undefined {
  const method = methodOf(call);
  const [argument] = call.arguments;
  if (method === undefined || argument === undefined) return undefined;
  const receiver = unwrap(method.on);
  const { symbols, annotations, file } = around;
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
    return { ...found, kind: "rpc", node: call, client, name: names() };
  }
  if (!ts.isPropertyAccessExpression(receiver)) return undefined;
  if (method.name === "invoke" && receiver.name.text === "functions")
    return { ...found, kind: "invocation", node: call, name: names() };
  if (method.name !== "from" || receiver.name.text !== "storage") return undefined;
  const [used] = callsBehind(call).calls;
  return {
    ...found,
    kind: "storage",
    node: used?.call ?? call,
    client: leastBound(clientsOf(symbols, receiver.expression)),
    bucket: names(),
    method: used?.name ?? "none",
    path: used?.call.arguments[0],
  };
}
