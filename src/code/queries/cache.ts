import ts from "typescript";
import { annotationFor } from "../reading/annotation.ts";
import { everyNode, initializerOf, methodOf, propertyOf, unwrap } from "../reading/syntax.ts";
import { stringsOf } from "../reading/table-name.ts";
import { type FileContext, placeOf } from "./chain.ts";
import type { Cache } from "./inventory-entry.ts";

/** Methods that use exactly this key; others use all keys that begin with it. */
const hooks = /^(use(Suspense|Infinite|SuspenseInfinite)?Query|queryOptions|infiniteQueryOptions)$/;
const exactMethods =
  /^(fetchQuery|prefetchQuery|ensureQueryData|fetchInfiniteQuery|prefetchInfiniteQuery|ensureInfiniteQueryData)$/;
const keyedMethods = /^(setQueryData|getQueryData|getQueryState|setQueryDefaults)$/;
const filterMethods = /^(invalidate|refetch|remove|cancel|reset)Queries$/;
const storageMethods = new Set(["getItem", "setItem", "removeItem"]);
const workboxStrategies = /^(StaleWhileRevalidate|CacheFirst|NetworkFirst|CacheOnly)$/;

/** A call that stores or reads a value under a key. */
export function cacheFrom(
  context: FileContext,
  call: ts.CallExpression | ts.NewExpression,
): Cache | undefined {
  const { annotations, file } = context;
  const found = {
    kind: "cache",
    place: placeOf(file, call),
    part: file.part,
    node: call,
    annotation: annotationFor(annotations, file, call),
    isShared: false,
  } as const;
  const callee = call.expression;
  const [first] = call.arguments ?? [];
  if (ts.isNewExpression(call)) {
    return ts.isIdentifier(callee) && workboxStrategies.test(callee.text)
      ? { ...found, store: "service-worker", method: callee.text, key: undefined }
      : undefined;
  }
  const query = queryKey(context, call);
  if (query !== undefined)
    return {
      ...found,
      store: "react-query",
      ...query,
      isShared: isOfSharedTables(context, call),
    };
  const kept = keptByLibrary(context, call);
  if (kept !== undefined) return { ...found, ...kept };
  const method = methodOf(call);
  if (method === undefined || first === undefined) return undefined;
  const owner = method.on.getText().replace(/^(window|globalThis|self)\./, "");
  if ((owner === "localStorage" || owner === "sessionStorage") && storageMethods.has(method.name))
    return { ...found, store: owner, method: method.name, key: first };
  if (owner === "caches" && method.name === "open")
    return { ...found, store: "cache-api", method: "open", key: first };
  return undefined;
}

/** The key of a React Query call that uses exactly that key. */
function queryKey(
  { symbols }: FileContext,
  call: ts.CallExpression,
): { readonly method: string; readonly key: ts.Expression | undefined } | undefined {
  const [first] = call.arguments;
  const name = ts.isIdentifier(call.expression) ? call.expression.text : methodOf(call)?.name;
  if (name === undefined || first === undefined) return undefined;
  if (keyedMethods.test(name) && methodOf(call) !== undefined) return { method: name, key: first };
  const isHook = ts.isIdentifier(call.expression) && hooks.test(name);
  const isExact = methodOf(call) !== undefined && exactMethods.test(name);
  const isFilter = methodOf(call) !== undefined && filterMethods.test(name);
  if (!isHook && !isExact && !isFilter) return undefined;
  if (isHook && !isImported(symbols.checker, call.expression)) return undefined;
  const options = unwrap(first);
  // Before version 5 the key was the first argument.
  if (!ts.isObjectLiteralExpression(options))
    return ts.isArrayLiteralExpression(options) || ts.isStringLiteralLike(options)
      ? { method: name, key: options }
      : undefined;
  const property = propertyOf(options, "queryKey");
  const isPrefix = isFilter && propertyOf(options, "exact")?.getText() !== "exact: true";
  if (isPrefix) return undefined;
  // Options that are spread into it are a query themselves, with their own key.
  return property === undefined ? undefined : { method: name, key: initializerOf(property) };
}

/** `useSWR(key, …)`, and Zustand's `persist`, which writes to localStorage. */
function keptByLibrary(
  { symbols }: FileContext,
  { expression: callee, arguments: given }: ts.CallExpression,
): Pick<Cache, "store" | "method" | "key"> | undefined {
  if (!ts.isIdentifier(callee)) return undefined;
  const [first, second] = given;
  if (/^useSWR/.test(callee.text) && isImported(symbols.checker, callee, /^swr/))
    return { store: "swr", method: callee.text, key: first };
  if (callee.text !== "persist" || !isImported(symbols.checker, callee, /^zustand/))
    return undefined;
  const options = second === undefined ? undefined : unwrap(second);
  const name =
    options !== undefined && ts.isObjectLiteralExpression(options)
      ? propertyOf(options, "name")
      : undefined;
  const key = name === undefined ? undefined : initializerOf(name);
  return { store: "localStorage", method: "persist", key: key ?? second };
}

/** `{ queryKey, queryFn }` outside a call, such as for `useQueries` or as the result of a function. */
export function queryObjectFrom(
  context: FileContext,
  object: ts.ObjectLiteralExpression,
): Cache | undefined {
  const key = propertyOf(object, "queryKey");
  if (key === undefined || propertyOf(object, "queryFn") === undefined) return undefined;
  const { parent } = object;
  if (ts.isCallExpression(parent) && queryKey(context, parent) !== undefined) return undefined;
  return {
    kind: "cache",
    place: placeOf(context.file, object),
    part: context.file.part,
    node: object,
    annotation: annotationFor(context.annotations, context.file, object),
    isShared: isOfSharedTables(context, object),
    store: "react-query",
    method: "queryKey",
    key: initializerOf(key),
  };
}

const storageMembers = /^(getItem|setItem|removeItem|clear|key|length)$/;

/** `localStorage["last lead"]`, `localStorage.lastLead` */
export function storageAccessFrom(context: FileContext, node: ts.Node): Cache | undefined {
  if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) return undefined;
  const owner = node.expression.getText().replace(/^(window|globalThis|self)\./, "");
  if (owner !== "localStorage" && owner !== "sessionStorage") return undefined;
  const key = ts.isElementAccessExpression(node) ? node.argumentExpression : node.name;
  if (ts.isMemberName(key) && storageMembers.test(key.text)) return undefined;
  return {
    kind: "cache",
    place: placeOf(context.file, node),
    part: context.file.part,
    node,
    annotation: annotationFor(context.annotations, context.file, node),
    isShared: false,
    store: owner,
    method: "property",
    key,
  };
}

function isImported(checker: ts.TypeChecker, callee: ts.Expression, packages = /query/): boolean {
  const declaration = checker.getSymbolAtLocation(callee)?.declarations?.[0];
  const from =
    declaration === undefined ? undefined : ts.findAncestor(declaration, ts.isImportDeclaration);
  return (
    from !== undefined &&
    ts.isStringLiteral(from.moduleSpecifier) &&
    packages.test(from.moduleSpecifier.text)
  );
}

/** Whether a query itself reads at least one table, and only tables without organizations. */
function isOfSharedTables(context: FileContext, call: ts.Node): boolean {
  const { symbols, tables } = context;
  let asked = 0;
  let tenants = 0;
  everyNode(call, (node) => {
    if (!ts.isCallExpression(node)) return;
    const [argument] = node.arguments;
    const name = methodOf(node)?.name;
    if (argument === undefined || (name !== "from" && name !== "rpc")) return;
    const known = stringsOf(symbols, argument);
    asked += 1;
    const isShared =
      name === "from" &&
      known.kind === "known" &&
      known.names.every((table) => {
        const relation = tables.relationOf(table);
        return tables.isListed(relation) && !tables.hasOrganization(relation);
      });
    if (!isShared) tenants += 1;
  });
  return asked > 0 && tenants === 0;
}

/** `runtimeCaching: [{ urlPattern, handler: "NetworkFirst" }]` in the build of a service worker. */
export function runtimeCachesFrom(
  context: FileContext,
  object: ts.ObjectLiteralExpression,
): Cache[] {
  const handler = propertyOf(object, "handler");
  const pattern = propertyOf(object, "urlPattern");
  const value = handler === undefined ? undefined : initializerOf(handler);
  if (pattern === undefined || value === undefined || !ts.isStringLiteralLike(value)) return [];
  if (!workboxStrategies.test(value.text)) return [];
  return [
    {
      kind: "cache",
      place: placeOf(context.file, object),
      part: context.file.part,
      node: object,
      annotation: annotationFor(context.annotations, context.file, object),
      isShared: false,
      store: "service-worker",
      method: value.text,
      key: undefined,
    },
  ];
}
