import ts from "typescript";
import type { Settings } from "../config/settings.ts";
import { valuesOf } from "./held.ts";
import type { Symbols } from "./symbols.ts";
import { isEither, isFunctionNode, isNothing, unwrap } from "./syntax.ts";

export const clientKinds = ["user-key", "service-role", "unknown"] as const;

/** Whose rights a client has: row-level security binds the user's key, and not the service role. */
export type ClientKind = (typeof clientKinds)[number];

const longestWay = 6;

/** Which key a client is made with, by the names that lead to it and by what the key itself says. */
export function keyOf(symbols: Symbols, made: ts.CallExpression | ts.NewExpression): ClientKind {
  const { clients } = symbols.project.settings.code;
  const under = new Set<ts.Node>();

  /** Undefined where a node says nothing: an empty text, null. */
  const kindOf = (node: ts.Node, way: number): ClientKind | undefined => {
    const inner = ts.isExpression(node) ? unwrap(node) : node;
    if (way > longestWay) return "unknown";
    if (under.has(inner)) return undefined;
    under.add(inner);
    const kind = kindWithin(inner, way);
    under.delete(inner);
    return kind;
  };

  const kindWithin = (node: ts.Node, way: number): ClientKind | undefined => {
    if (ts.isStringLiteralLike(node)) {
      const role = kindByName(node.text, clients) ?? roleOfKey(node.text);
      return role === "unknown" && !looksLikeKey(node.text) && !isNameOfKey(node)
        ? undefined
        : role;
    }
    if (ts.isConditionalExpression(node))
      return least([kindOf(node.whenTrue, way), kindOf(node.whenFalse, way)]);
    if (ts.isBinaryExpression(node) && isEither(node.operatorToken.kind))
      return least([kindOf(node.left, way), kindOf(node.right, way)]);
    if (ts.isPropertyAccessExpression(node)) {
      const own = ofName(node.name, way);
      // Of an object that holds several keys, only this one counts.
      const isHeld = valuesOf(symbols, node.name).length > 0;
      return isHeld ? own : strongest([own, kindOf(node.expression, way)]);
    }
    if (ts.isIdentifier(node)) return isNothing(node) ? undefined : ofName(node, way);
    const said: (ClientKind | undefined)[] = [];
    ts.forEachChild(node, (child) => void said.push(kindOf(child, way)));
    const known = strongest(said);
    return ts.isExpression(node) && !ts.isObjectLiteralExpression(node)
      ? (known ?? "unknown")
      : known;
  };

  const ofName = (name: ts.MemberName, way: number): ClientKind => {
    const own = kindByName(name.text, clients);
    if (own === "service-role") return own;
    const values = valuesOf(symbols, name).filter((value) => !isFunctionNode(unwrap(value)));
    const said = values
      .flatMap((value) => alternativesOf(value))
      .map((one) => kindOf(one, way + 1));
    const kind = least(said);
    // What one value is, its name tells; of several, each has to be told.
    const isTold = kind !== undefined && (kind !== "unknown" || said.length > 1);
    return isTold ? kind : (own ?? "unknown");
  };

  // The first is the URL; the key is behind it, or within the options.
  return strongest((made.arguments ?? []).slice(1).map((one) => kindOf(one, 0))) ?? "unknown";
}

/** The sides of `??`, `||` and `?:`. */
function alternativesOf(value: ts.Expression): readonly ts.Expression[] {
  const inner = unwrap(value);
  if (ts.isConditionalExpression(inner))
    return [inner.whenTrue, inner.whenFalse].flatMap(alternativesOf);
  return ts.isBinaryExpression(inner) && isEither(inner.operatorToken.kind)
    ? [inner.left, inner.right].flatMap(alternativesOf)
    : isNothing(inner) || (ts.isStringLiteralLike(inner) && !looksLikeKey(inner.text))
      ? []
      : [inner];
}

/** Of what may be one or the other, the one that is bound least. */
function least(kinds: readonly (ClientKind | undefined)[]): ClientKind | undefined {
  return (["service-role", "unknown", "user-key"] as const).find((kind) => kinds.includes(kind));
}

/** Of what comes together, the one that says most. */
function strongest(kinds: readonly (ClientKind | undefined)[]): ClientKind | undefined {
  return (["service-role", "user-key", "unknown"] as const).find((kind) => kinds.includes(kind));
}

/** `Deno.env.get("SUPABASE_KEY")`, `process.env["SUPABASE_KEY"]`: a name that is not known is of any key. */
function isNameOfKey(node: ts.Expression): boolean {
  return ts.isCallExpression(node.parent) || ts.isElementAccessExpression(node.parent);
}

/** What frameworks put before names of what browsers may see. */
const shown = /(^|_)PUBLIC_$|^(VITE|REACT_APP|VUE_APP|NG_APP|GATSBY)_$/;

/** What a name says by the configured ones, whatever stands before it: `VITE_SUPABASE_ANON_KEY`. */
export function kindByName(
  name: string,
  { serviceRole, userKey }: Settings["code"]["clients"],
): ClientKind | undefined {
  if (serviceRole.some((ending) => name.endsWith(ending))) return "service-role";
  const isUsers = userKey.some((ending) => {
    if (!name.endsWith(ending)) return false;
    const before = name.slice(0, -ending.length);
    // The name of a variable that does not say itself whose key it is may be anybody's behind a word.
    const saysItself = !/^[A-Z][A-Z0-9_]*$/.test(ending) || /ANON|PUBLISHABLE/.test(ending);
    return before === "" || saysItself || shown.test(before);
  });
  return isUsers ? "user-key" : undefined;
}

function looksLikeKey(text: string): boolean {
  return /^(eyJ|sb_)/.test(text);
}

/** What a key that stands in the code says of itself. */
function roleOfKey(text: string): ClientKind {
  if (text.startsWith("sb_secret_")) return "service-role";
  if (text.startsWith("sb_publishable_")) return "user-key";
  const [, payload] = /^eyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]*$/.exec(text) ?? [];
  if (payload === undefined) return "unknown";
  const decoded = Buffer.from(payload, "base64url").toString();
  // A text that only looks like a key is none.
  const role = /"role"\s*:\s*"(\w+)"/.exec(decoded)?.[1];
  switch (role) {
    case "service_role":
      return "service-role";
    case "anon":
      return "user-key";
    default:
      return "unknown";
  }
}
