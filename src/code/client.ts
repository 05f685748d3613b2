import ts from "typescript";
import { type ClientKind, keyOf, kindByName } from "./client-key.ts";
import { assignedLater, heldUnder, objectsTakenApart } from "./held.ts";
import { argumentsFor, functionCalled, type Symbols } from "./symbols.ts";
import { isEither, isFunctionNode, isNothing, returnedBy, shortText, unwrap } from "./syntax.ts";

export type Client = {
  readonly kind: ClientKind;
  /** Where it is made; what could not be followed, where it could not. */
  readonly from: string;
};

const longestWay = 14;
/** What supabase-js and its helpers for frameworks make clients with. */
const makers = /^create(\w*)Client$|^SupabaseClient$/;

/** Where the client in an expression comes from, followed through parameters, imports and factories. */
export function clientsOf(symbols: Symbols, expression: ts.Expression): readonly Client[] {
  const followed = new Set<ts.Node>();
  const { symbolOf } = symbols;

  const unknown = (node: ts.Node): Client[] => [{ kind: "unknown", from: shortText(node) }];
  const byName = (name: string): Client[] | undefined => {
    const kind = kindByName(name, symbols.project.settings.code.clients);
    return kind === undefined ? undefined : [{ kind, from: name }];
  };

  const follow = (node: ts.Expression, way: number): readonly Client[] => {
    const inner = unwrap(node);
    if (way > longestWay || followed.has(inner)) return [];
    followed.add(inner);
    if (ts.isConditionalExpression(inner))
      return [...follow(inner.whenTrue, way + 1), ...follow(inner.whenFalse, way + 1)];
    // `let client: Client | null = null`: what it is later, its assignments say.
    if (isNothing(inner)) return [];
    if (ts.isBinaryExpression(inner) && isEither(inner.operatorToken.kind))
      return [...follow(inner.left, way + 1), ...follow(inner.right, way + 1)];
    if (ts.isBinaryExpression(inner) && inner.operatorToken.kind === ts.SyntaxKind.EqualsToken)
      return follow(inner.right, way + 1);
    if (ts.isCallExpression(inner) || ts.isNewExpression(inner)) return ofCall(inner, way);
    if (ts.isIdentifier(inner)) return byName(inner.text) ?? ofSymbol(inner, way);
    if (ts.isPropertyAccessExpression(inner)) {
      const held = propertyValues(inner.expression, inner.name.text, way);
      return held.length > 0 ? held : ofSymbol(inner.name, way);
    }
    return unknown(inner);
  };

  const ofCall = (call: ts.CallExpression | ts.NewExpression, way: number): readonly Client[] => {
    const callee = unwrap(call.expression);
    const name = calledName(symbols, callee);
    const known = name === undefined ? undefined : byName(name);
    if (known !== undefined) return known;
    if (ts.isCallExpression(call)) {
      const called = functionCalled(symbols, call);
      if (called !== undefined && isOurs(symbols, called)) {
        const returned = returnedBy(called).flatMap((one) => follow(one, way + 1));
        return returned.length > 0 ? returned : unknown(call);
      }
      if (ts.isPropertyAccessExpression(callee) && callee.name.text === "schema")
        return follow(callee.expression, way + 1);
    }
    if (name === undefined || !makers.test(name)) return unknown(call);
    return [{ kind: keyOf(symbols, call), from: placeOf(symbols, call) }];
  };

  const ofSymbol = (name: ts.Identifier | ts.MemberName, way: number): readonly Client[] => {
    const symbol = symbolOf(name);
    const found = (symbol?.declarations ?? []).flatMap((declaration) =>
      ofDeclaration(declaration, way),
    );
    // It may be another one by the time that it asks.
    const assigned = symbol === undefined ? [] : assignedLater(symbols, symbol);
    const clients = [...found, ...assigned.flatMap((value) => follow(value, way + 1))];
    return clients.length > 0 ? clients : unknown(name);
  };

  const ofDeclaration = (declaration: ts.Declaration, way: number): readonly Client[] => {
    if (ts.isParameter(declaration))
      return argumentsFor(symbols, declaration).flatMap((given) => follow(given, way + 1));
    if (ts.isBindingElement(declaration)) return ofBinding(declaration, way);
    if (
      (ts.isVariableDeclaration(declaration) ||
        ts.isPropertyAssignment(declaration) ||
        ts.isPropertyDeclaration(declaration)) &&
      declaration.initializer !== undefined
    )
      return follow(declaration.initializer, way + 1);
    if (ts.isShorthandPropertyAssignment(declaration)) return follow(declaration.name, way + 1);
    if (isFunctionNode(declaration) && ts.isGetAccessorDeclaration(declaration))
      return returnedBy(declaration).flatMap((one) => follow(one, way + 1));
    return [];
  };

  const ofBinding = (binding: ts.BindingElement, way: number): readonly Client[] => {
    const key = binding.propertyName ?? binding.name;
    return ts.isIdentifier(key)
      ? objectsTakenApart(symbols, binding).flatMap((one) => propertyValues(one, key.text, way + 1))
      : [];
  };

  const propertyValues = (object: ts.Expression, name: string, way: number): readonly Client[] =>
    heldUnder(symbols, object, name).flatMap((value) => follow(value, way + 1));

  return unique(follow(expression, 0));
}

/** One client of several that it may be: the one that is bound least. */
export function leastBound(clients: readonly Client[]): Client {
  const from = [...new Set(clients.map((client) => client.from))].join(", ");
  const kinds = clients.map(({ kind }) => kind);
  if (kinds.includes("service-role")) return { kind: "service-role", from };
  return { kind: kinds.includes("unknown") || kinds.length === 0 ? "unknown" : "user-key", from };
}

function unique(clients: readonly Client[]): readonly Client[] {
  const known = new Map(clients.map((client) => [`${client.kind} ${client.from}`, client]));
  return [...known.values()];
}

/** The name of what is called, as its module calls it. */
function calledName({ checker }: Symbols, callee: ts.Expression): string | undefined {
  if (ts.isPropertyAccessExpression(callee)) return callee.name.text;
  if (!ts.isIdentifier(callee)) return undefined;
  const declaration = checker.getSymbolAtLocation(callee)?.declarations?.[0];
  return declaration !== undefined && ts.isImportSpecifier(declaration)
    ? (declaration.propertyName ?? declaration.name).text
    : callee.text;
}

function isOurs({ project }: Symbols, node: ts.Node): boolean {
  const source = node.getSourceFile();
  return !source.isDeclarationFile && !project.program.isSourceFileFromExternalLibrary(source);
}

function placeOf({ project }: Symbols, node: ts.Node): string {
  const source = node.getSourceFile();
  const file = project.files.find((one) => one.source === source)?.name ?? source.fileName;
  const { line } = source.getLineAndCharacterOfPosition(node.getStart());
  return `${file}:${line + 1}`;
}
