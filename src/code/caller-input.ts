import ts from "typescript";
import { argumentsFor, type Symbols } from "./symbols.ts";
import { methodOf, unwrap } from "./syntax.ts";

const longestWay = 8;
const requests = /^(\w+\.)?(req|request)$/;
const bodies = new Set(["json", "formData", "text", "body"]);
const parameters = /(searchParams|headers|formData|form|cookies)$/i;

/** Whether a value is what the caller of a function has sent, unchecked: nobody may say whose they are. */
export function isCallerInput(symbols: Symbols, expression: ts.Expression, way = 0): boolean {
  const inner = unwrap(expression);
  const further = (one: ts.Expression) => isCallerInput(symbols, one, way + 1);
  if (way > longestWay) return false;
  if (ts.isCallExpression(inner)) {
    const method = methodOf(inner);
    if (method === undefined) return false;
    const receiver = method.on.getText();
    if (bodies.has(method.name)) return requests.test(receiver);
    if (method.name === "get") return parameters.test(receiver);
    // A schema says that it is a uuid, not that it is the caller's.
    return (
      ["parse", "safeParse", "parseAsync"].includes(method.name) && inner.arguments.some(further)
    );
  }
  if (ts.isPropertyAccessExpression(inner) || ts.isElementAccessExpression(inner)) {
    const { expression: object } = inner;
    const name = ts.isPropertyAccessExpression(inner) ? inner.name.text : "";
    if (["body", "query", "params"].includes(name) && requests.test(object.getText())) return true;
    return further(object);
  }
  if (ts.isBinaryExpression(inner)) return further(inner.left) || further(inner.right);
  if (!ts.isIdentifier(inner)) return false;
  return (symbols.symbolOf(inner)?.declarations ?? []).some((declaration) =>
    isDeclaredByCaller(symbols, declaration, further),
  );
}

/** The same of a name that is declared. */
export function isDeclaredByCaller(
  symbols: Symbols,
  declaration: ts.Declaration,
  further = (one: ts.Expression) => isCallerInput(symbols, one, 1),
): boolean {
  if (ts.isBindingElement(declaration)) {
    return isDeclaredByCaller(symbols, declaration.parent.parent, further);
  }
  if (ts.isVariableDeclaration(declaration))
    return declaration.initializer !== undefined && further(declaration.initializer);
  return ts.isParameter(declaration) && argumentsFor(symbols, declaration).some(further);
}
