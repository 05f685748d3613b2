import ts from "typescript";
import { heldUnder, objectsTakenApart } from "./held.ts";
import { argumentsFor, type Symbols } from "./symbols.ts";
import { isFunctionNode, methodOf, unwrap } from "./syntax.ts";

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
    return further(object) || heldUnder(symbols, object, name).some(further);
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
    const holder = declaration.parent.parent;
    const key = declaration.propertyName ?? declaration.name;
    const name = ts.isIdentifier(key) ? key.text : "";
    return (
      isDeclaredByCaller(symbols, holder, further) ||
      objectsTakenApart(symbols, declaration).some((one) =>
        heldUnder(symbols, one, name).some(further),
      )
    );
  }
  if (ts.isVariableDeclaration(declaration))
    return declaration.initializer !== undefined && further(declaration.initializer);
  if (!ts.isParameter(declaration)) return false;
  return isOfServerAction(declaration) || argumentsFor(symbols, declaration).some(further);
}

/** Behind "use server" a function is called by browsers: its parameters are what they send. */
function isOfServerAction({ parent }: ts.ParameterDeclaration): boolean {
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
