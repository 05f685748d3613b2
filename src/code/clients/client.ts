import ts from "typescript";
import { memoize } from "../reading/memoize.ts";
import {
  type ObjectProperty,
  objectProperty,
  valuesOfProperty,
  valuesOfSymbol,
} from "../reading/property-values.ts";
import { collectReachable } from "../reading/strongly-connected.ts";
import { functionCalled, type Symbols } from "../reading/symbols.ts";
import {
  isEither,
  isFunctionNode,
  isNothing,
  returnedBy,
  shortText,
  unwrap,
} from "../reading/syntax.ts";
import { type ClientKind, keyOf, kindByName } from "./client-key.ts";

export type Client = {
  readonly kind: ClientKind;
  /** Where it is created, or the expression that could not be followed. */
  readonly from: string;
};

/** Functions of supabase-js and its framework helpers that create clients. */
const makers = /^create(\w*)Client$|^SupabaseClient$/;

/** An expression that may be a client, a symbol, or a property of an object. */
type Step = ts.Expression | ts.Symbol | ObjectProperty;

/** Where the client in an expression comes from, followed through parameters, imports and factories. */
export function clientsOf(symbols: Symbols, expression: ts.Expression): readonly Client[] {
  return [...following(symbols)(unwrap(expression))];
}

const following = memoize((symbols: Symbols) => {
  const clients = new Map<string, Client>();
  /** One object for each client, so that it is counted once. */
  const client = (kind: ClientKind, from: string): Client => {
    const known = clients.get(`${kind} ${from}`) ?? { kind, from };
    clients.set(`${kind} ${from}`, known);
    return known;
  };
  const readIn = memoize((expression: ts.Expression) => findIn(symbols, expression));
  return collectReachable<Step, Client>({
    next(step) {
      if ("kind" in step) return readIn(step).next;
      const values = "of" in step ? valuesOfProperty(symbols, step) : sourcesOf(symbols, step);
      return values.map(unwrap);
    },
    said(step) {
      if (!("kind" in step)) return [];
      const { made } = readIn(step);
      return made === undefined ? [] : [client(made.kind, made.from)];
    },
    // Functions in a circle that get no client from outside.
    silent: (steps) =>
      steps
        .flatMap((step) => ("kind" in step ? (nameIn(step)?.text ?? []) : []))
        .map((name) => client("unknown", name))
        .sort(byOrigin),
    order: byOrigin,
  });
});

function nameIn(expression: ts.Expression): ts.MemberName | undefined {
  if (ts.isPropertyAccessExpression(expression)) return expression.name;
  return ts.isIdentifier(expression) ? expression : undefined;
}

function byOrigin(one: Client, other: Client): number {
  return one.from < other.from ? -1 : Number(one.from > other.from);
}

/** The clients that an expression is, and the expressions that it leads to. */
type Findings = { readonly made?: Client; readonly next: readonly Step[] };

function findIn(symbols: Symbols, inner: ts.Expression): Findings {
  // `let client: Client | null = null`: its assignments show the client.
  if (isNothing(inner)) return { next: [] };
  const sides = sidesOf(inner);
  if (sides !== undefined) return { next: sides.map(unwrap) };
  if (ts.isCallExpression(inner) || ts.isNewExpression(inner)) return findInCall(symbols, inner);
  if (ts.isIdentifier(inner)) {
    const made = byName(symbols, inner.text);
    return made === undefined ? findByName(symbols, inner) : { made, next: [] };
  }
  if (!ts.isPropertyAccessExpression(inner)) return { made: unknown(inner), next: [] };
  const held = objectProperty(symbols, inner.expression, inner.name.text);
  return valuesOfProperty(symbols, held).every(isNothingEver)
    ? findByName(symbols, inner.name)
    : { next: [held] };
}

/** The expressions that one is either of; undefined where it is none of these. */
function sidesOf(inner: ts.Expression): readonly ts.Expression[] | undefined {
  if (ts.isConditionalExpression(inner)) return [inner.whenTrue, inner.whenFalse];
  if (!ts.isBinaryExpression(inner)) return undefined;
  if (isEither(inner.operatorToken.kind)) return [inner.left, inner.right];
  return inner.operatorToken.kind === ts.SyntaxKind.EqualsToken ? [inner.right] : undefined;
}

/** Whether an expression is null or undefined in all branches. */
function isNothingEver(expression: ts.Expression): boolean {
  const inner = unwrap(expression);
  return isNothing(inner) || (sidesOf(inner)?.every(isNothingEver) ?? false);
}

function findInCall(symbols: Symbols, call: ts.CallExpression | ts.NewExpression): Findings {
  const callee = unwrap(call.expression);
  const name = calledName(symbols, callee);
  const known = name === undefined ? undefined : byName(symbols, name);
  if (known !== undefined) return { made: known, next: [] };
  if (ts.isCallExpression(call)) {
    const called = functionCalled(symbols, call);
    if (called !== undefined && isOurs(symbols, called)) {
      const returned = returnedBy(called);
      return returned.every(isNothingEver)
        ? { made: unknown(call), next: [] }
        : { next: returned.map(unwrap) };
    }
    if (ts.isPropertyAccessExpression(callee) && callee.name.text === "schema")
      return { next: [unwrap(callee.expression)] };
  }
  if (name === undefined || !makers.test(name)) return { made: unknown(call), next: [] };
  return { made: { kind: keyOf(symbols, call), from: originOf(symbols, call) }, next: [] };
}

function findByName(symbols: Symbols, name: ts.MemberName): Findings {
  const symbol = symbols.symbolOf(name);
  return symbol === undefined || sourcesOf(symbols, symbol).every(isNothingEver)
    ? { made: unknown(name), next: [] }
    : { next: [symbol] };
}

/** All values of a name, from its declaration and later assignments: it may have another one when the query runs. */
function sourcesOf(symbols: Symbols, symbol: ts.Symbol): readonly ts.Expression[] {
  const others = (symbol.declarations ?? []).flatMap((declaration) => {
    if (ts.isShorthandPropertyAssignment(declaration)) return [declaration.name];
    return isFunctionNode(declaration) && ts.isGetAccessorDeclaration(declaration)
      ? returnedBy(declaration)
      : [];
  });
  return [...others, ...valuesOfSymbol(symbols, symbol)];
}

function unknown(node: ts.Node): Client {
  return { kind: "unknown", from: shortText(node) };
}

function byName({ project }: Symbols, name: string): Client | undefined {
  const kind = kindByName(name, project.settings.code.clients);
  return kind === undefined ? undefined : { kind, from: name };
}

/** Of several possible clients, the one that row-level security limits least. */
export function leastBound(clients: readonly Client[]): Client {
  const from = [...new Set(clients.map((client) => client.from))].join(", ");
  const kinds = clients.map(({ kind }) => kind);
  if (kinds.includes("service-role")) return { kind: "service-role", from };
  return { kind: kinds.includes("unknown") || kinds.length === 0 ? "unknown" : "user-key", from };
}

/** The name of the called function in its module. */
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

function originOf(symbols: Symbols, node: ts.Node): string {
  const source = node.getSourceFile();
  const file = symbols.fileOf(node)?.name ?? source.fileName;
  const { line } = source.getLineAndCharacterOfPosition(node.getStart());
  return `${file}:${line + 1}`;
}
