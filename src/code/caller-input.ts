import path from "node:path";
import ts from "typescript";
import { heldUnder, objectsTakenApart, valuesOf } from "./held.ts";
import { isOfServerAction, isPartOfRequest, isRequest } from "./request.ts";
import { argumentsFor, functionCalled, type Symbols } from "./symbols.ts";
import { type FunctionNode, isFunctionNode, methodOf, returnedBy, unwrap } from "./syntax.ts";

const longestWay = 8;
/** What is called on a request gives a part of it. */
const parts = new Set("json formData text body get header param query queries".split(" "));
const bags = /(searchParams|headers|formData|form|cookies)$/i;
/** The value stays what it was: a schema says that it is a uuid, not that it is the caller's. */
const passing = new Set(
  "parse safeParse parseAsync safeParseAsync fromEntries String URL URLSearchParams".split(" "),
);
const keeping = new Set("then catch finally trim toString toLowerCase toUpperCase".split(" "));

/** Whether a value is what the caller of a function has sent, unchecked: nobody may say whose they are. */
export function isCallerInput(symbols: Symbols, expression: ts.Expression): boolean {
  return searchOf(symbols).isSent(expression, 0);
}

/** The same of a name that is declared. */
export function isDeclaredByCaller(symbols: Symbols, declaration: ts.Declaration): boolean {
  return searchOf(symbols).isDeclared(declaration, 0);
}

/** @param calls the functions that the search has gone into, with the calls that it came by */
function searchOf(
  symbols: Symbols,
  calls: ReadonlyMap<FunctionNode, ts.CallExpression> = new Map(),
) {
  const { project } = symbols;
  const { caller } = project.settings.code.functions;
  const membership = caller === undefined ? undefined : path.join(project.folder, caller.from);
  const followed = new Set<ts.Node>();

  const isSent = (expression: ts.Expression, way: number): boolean => {
    const inner = unwrap(expression);
    if (way > longestWay || followed.has(inner)) return false;
    followed.add(inner);
    // What the configured function gives back, it has looked up in the caller's memberships.
    if (membership !== undefined && path.normalize(inner.getSourceFile().fileName) === membership)
      return false;
    const further = (one: ts.Expression) => isSent(one, way + 1);
    if (isPartOfRequest(symbols, inner)) return true;
    if (ts.isCallExpression(inner)) return isGivenBy(inner, way);
    if (ts.isNewExpression(inner))
      return passing.has(inner.expression.getText()) && (inner.arguments ?? []).some(further);
    if (ts.isPropertyAccessExpression(inner) || ts.isElementAccessExpression(inner)) {
      const { expression: object } = inner;
      const name = ts.isPropertyAccessExpression(inner) ? inner.name.text : "";
      return further(object) || heldUnder(symbols, object, name).some(further);
    }
    if (ts.isConditionalExpression(inner))
      return further(inner.whenTrue) || further(inner.whenFalse);
    if (ts.isBinaryExpression(inner)) return further(inner.left) || further(inner.right);
    if (!ts.isIdentifier(inner)) return false;
    return (symbols.symbolOf(inner)?.declarations ?? []).some((one) => isDeclared(one, way));
  };

  const isGivenBy = (call: ts.CallExpression, way: number): boolean => {
    const further = (one: ts.Expression) => isSent(one, way + 1);
    const method = methodOf(call);
    const name = method?.name ?? call.expression.getText();
    if (passing.has(name) && call.arguments.some(further)) return true;
    const called = functionCalled(symbols, call);
    if (called !== undefined) {
      // What another call gives the same function is not what this one gets back.
      const inside = searchOf(symbols, new Map([...calls, [called, call]]));
      return returnedBy(called).some((one) => inside.isSent(one, way + 1));
    }
    if (method === undefined) return false;
    const { on } = method;
    if (parts.has(name) && isRequest(symbols, on)) return true;
    if (["get", "getAll"].includes(name)) return bags.test(on.getText()) || further(on);
    if (!keeping.has(name)) return false;
    const [callback] = call.arguments.map(unwrap);
    return name === "then" && callback !== undefined && isFunctionNode(callback)
      ? returnedBy(callback).some(further)
      : further(on);
  };

  const isDeclared = (declaration: ts.Declaration, way: number): boolean => {
    const further = (one: ts.Expression) => isSent(one, way + 1);
    if (ts.isBindingElement(declaration)) {
      const key = declaration.propertyName ?? declaration.name;
      const name = ts.isIdentifier(key) ? key.text : "";
      return (
        isDeclared(declaration.parent.parent, way) ||
        objectsTakenApart(symbols, declaration).some((one) =>
          heldUnder(symbols, one, name).some(further),
        )
      );
    }
    if (ts.isVariableDeclaration(declaration)) return ofVariable(declaration).some(further);
    if (!ts.isParameter(declaration)) return false;
    const { parent } = declaration;
    const call = isFunctionNode(parent) ? calls.get(parent) : undefined;
    if (call !== undefined && isFunctionNode(parent)) {
      const given =
        call.arguments[parent.parameters.indexOf(declaration)] ?? declaration.initializer;
      return given !== undefined && further(given);
    }
    const awaited = promiseFor(declaration);
    return (
      isOfServerAction(declaration) ||
      (awaited !== undefined && further(awaited)) ||
      argumentsFor(symbols, declaration).some(further)
    );
  };

  const ofVariable = ({ name, initializer }: ts.VariableDeclaration): readonly ts.Expression[] => {
    const first = initializer === undefined ? [] : [initializer];
    return ts.isIdentifier(name) ? valuesOf(symbols, name) : first;
  };

  return { isSent, isDeclared };
}

/** `request.json().then((body) => …)`: what the callback is given is what the promise gives. */
function promiseFor(parameter: ts.ParameterDeclaration): ts.Expression | undefined {
  const { parent } = parameter;
  const call = parent.parent;
  if (!ts.isCallExpression(call) || call.arguments[0] !== parent) return undefined;
  const method = methodOf(call);
  return method?.name === "then" && parent.parameters[0] === parameter ? method.on : undefined;
}
