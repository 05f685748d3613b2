import path from "node:path";
import ts from "typescript";
import { argumentsFor } from "../reading/arguments.ts";
import { type FixpointScope, leastFixpoint } from "../reading/fixpoint.ts";
import { memoize } from "../reading/memoize.ts";
import { objectsTakenApart, propertyValues, valuesOf } from "../reading/property-values.ts";
import { collectReachable } from "../reading/strongly-connected.ts";
import { functionCalled, type Symbols } from "../reading/symbols.ts";
import { isFunctionNode, methodOf, returnedBy, unwrap } from "../reading/syntax.ts";
import { isOfServerAction, isPartOfRequest, isRequest } from "./request.ts";

/** Methods of a request that return a part of it. */
const parts = new Set("json formData text body get header param query queries".split(" "));
const bags = /(searchParams|headers|formData|form|cookies)$/i;
/** Calls that return their argument: a schema checks that it is a uuid, not that it is the caller's. */
const passing = new Set(
  "parse safeParse parseAsync safeParseAsync fromEntries String URL URLSearchParams".split(" "),
);
const keeping = new Set("then catch finally trim toString toLowerCase toUpperCase".split(" "));

/** Whether a value comes unchecked from the request: a caller must not choose the organization. */
export function isCallerInput(symbols: Symbols, expression: ts.Expression): boolean {
  return sending(symbols)(unwrap(expression)).size > 0;
}

/** The same for a declared name. */
export function isDeclaredByCaller(symbols: Symbols, declaration: ts.Declaration): boolean {
  return sending(symbols)(declaration).size > 0;
}

/** Where a value comes from: the request, or a parameter, whose arguments must be followed. */
type Origin = "sent" | ts.ParameterDeclaration;
type Asking = FixpointScope<ts.Node, Origin>;

const sending = memoize((symbols: Symbols) => {
  const origins = leastFixpoint<ts.Node, Origin>((node, ask) => {
    if (ts.isExpression(node)) ofExpression(symbols, node, ask);
    else ofDeclaration(symbols, node, ask);
  });
  return collectReachable<ts.Node, "sent">({
    next(node) {
      if (!ts.isParameter(node)) return [...origins(node)].filter((one) => one !== "sent");
      const awaited = promiseFor(node);
      const given = argumentsFor(symbols, node);
      return (awaited === undefined ? given : [awaited, ...given]).map(unwrap);
    },
    said(node) {
      const isSent = ts.isParameter(node) ? isOfServerAction(node) : origins(node).has("sent");
      return isSent ? ["sent"] : [];
    },
  });
});

function ofExpression(symbols: Symbols, inner: ts.Expression, ask: Asking): void {
  // The configured function returns an organization from the caller's memberships.
  if (isOfMemberships(symbols, inner)) return;
  const further = (one: ts.Expression) => ask.each(unwrap(one), ask.say);
  if (isPartOfRequest(symbols, inner)) ask.say("sent");
  else if (ts.isCallExpression(inner)) ofCall(symbols, inner, ask);
  else if (ts.isNewExpression(inner)) {
    if (passing.has(inner.expression.getText())) inner.arguments?.forEach(further);
  } else if (ts.isPropertyAccessExpression(inner) || ts.isElementAccessExpression(inner)) {
    const { expression: object } = inner;
    const name = ts.isPropertyAccessExpression(inner) ? inner.name.text : "";
    further(object);
    propertyValues(symbols, object, name).forEach(further);
  } else if (ts.isConditionalExpression(inner)) [inner.whenTrue, inner.whenFalse].forEach(further);
  else if (ts.isBinaryExpression(inner)) [inner.left, inner.right].forEach(further);
  else if (ts.isIdentifier(inner)) {
    for (const declaration of symbols.symbolOf(inner)?.declarations ?? [])
      ask.each(declaration, ask.say);
  }
}

const membershipsIn = memoize(({ project }: Symbols) => {
  const { caller } = project.settings.code.functions;
  const file = caller === undefined ? undefined : path.join(project.folder, caller.from);
  return memoize((source: ts.SourceFile) => path.normalize(source.fileName) === file);
});

function isOfMemberships(symbols: Symbols, node: ts.Node): boolean {
  return membershipsIn(symbols)(node.getSourceFile());
}

function ofCall(symbols: Symbols, call: ts.CallExpression, ask: Asking): void {
  const further = (one: ts.Expression) => ask.each(unwrap(one), ask.say);
  const method = methodOf(call);
  const name = method?.name ?? call.expression.getText();
  if (passing.has(name)) call.arguments.forEach(further);
  const called = functionCalled(symbols, call);
  if (called !== undefined) {
    for (const returned of returnedBy(called))
      ask.each(unwrap(returned), (origin) => {
        // Arguments of other calls of the same function do not matter here.
        const position = origin === "sent" ? -1 : called.parameters.indexOf(origin);
        const given =
          origin === "sent" ? undefined : (call.arguments[position] ?? origin.initializer);
        if (position === -1) ask.say(origin);
        else if (given !== undefined) further(given);
      });
    return;
  }
  if (method === undefined) return;
  const { on } = method;
  if (parts.has(name) && isRequest(symbols, on)) ask.say("sent");
  else if (["get", "getAll"].includes(name)) {
    if (bags.test(on.getText())) ask.say("sent");
    else further(on);
  } else if (keeping.has(name)) {
    const [callback] = call.arguments.map(unwrap);
    if (name === "then" && callback !== undefined && isFunctionNode(callback))
      returnedBy(callback).forEach(further);
    else further(on);
  }
}

function ofDeclaration(symbols: Symbols, declaration: ts.Node, ask: Asking): void {
  const further = (one: ts.Expression) => ask.each(unwrap(one), ask.say);
  if (ts.isParameter(declaration)) ask.say(declaration);
  else if (ts.isBindingElement(declaration)) {
    const key = declaration.propertyName ?? declaration.name;
    const name = ts.isIdentifier(key) ? key.text : "";
    ask.each(declaration.parent.parent, ask.say);
    for (const object of objectsTakenApart(symbols, declaration))
      propertyValues(symbols, object, name).forEach(further);
  } else if (ts.isVariableDeclaration(declaration)) {
    const { name, initializer } = declaration;
    if (ts.isIdentifier(name)) valuesOf(symbols, name).forEach(further);
    else if (initializer !== undefined) further(initializer);
  }
}

/** `request.json().then((body) => …)`: the callback gets the promise's value. */
function promiseFor(parameter: ts.ParameterDeclaration): ts.Expression | undefined {
  const { parent } = parameter;
  const call = parent.parent;
  if (!ts.isCallExpression(call) || call.arguments[0] !== parent) return undefined;
  const method = methodOf(call);
  return method?.name === "then" && parent.parameters[0] === parameter ? method.on : undefined;
}
