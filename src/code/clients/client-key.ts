import ts from "typescript";
import type { Settings } from "../../config/settings.ts";
import { memoize } from "../reading/memoize.ts";
import { valuesOf } from "../reading/property-values.ts";
import { answerByComponent } from "../reading/strongly-connected.ts";
import type { Symbols } from "../reading/symbols.ts";
import { isEither, isFunctionNode, isNothing, unwrap } from "../reading/syntax.ts";

export const clientKinds = ["user-key", "service-role", "unknown"] as const;

/** Whose rights a client has: row-level security binds the user's key, and not the service role. */
export type ClientKind = (typeof clientKinds)[number];

/** Which key a client is made with, by the names that lead to it and by what the key itself says. */
export function keyOf(symbols: Symbols, made: ts.CallExpression | ts.NewExpression): ClientKind {
  // The first is the URL; the key is behind it, or within the options.
  const others = (made.arguments ?? []).slice(1);
  return strongest(others.map((one) => kinds(symbols)(unwrap(one)))) ?? "unknown";
}

/** What nodes say of a key; undefined where one says nothing: an empty text, null. */
type KindAt = (node: ts.Node) => ClientKind | undefined;

const kinds = memoize((symbols: Symbols) =>
  answerByComponent<ts.Node, ClientKind | undefined>({
    next: (node) => leadsOf(symbols, node),
    answer(members, of) {
      const inside = new Set(members.map(({ node }) => node));
      // In a circle of names, what they lead to outside of it is of all of them.
      const kindAt: KindAt = (node) => {
        if (!inside.has(node)) return of(node);
        return ts.isMemberName(node) ? undefined : kindOf(symbols, node, kindAt);
      };
      const names = members.filter(({ node }) => ts.isMemberName(node));
      const [first] = members;
      return first !== undefined && names.length === 0
        ? kindOf(symbols, first.node, kindAt)
        : kindOfNames(symbols, names, kindAt);
    },
  }),
);

/** The nodes that tell what a node says of a key. */
function leadsOf(symbols: Symbols, node: ts.Node): readonly ts.Node[] {
  if (ts.isStringLiteralLike(node)) return [];
  if (ts.isMemberName(node)) {
    if (isUndefined(node) || ownKind(symbols, node) === "service-role") return [];
    const values = valuesOf(symbols, node).filter((value) => !isFunctionNode(unwrap(value)));
    return values.flatMap(alternativesOf);
  }
  if (ts.isPropertyAccessExpression(node)) {
    // Of an object that holds several keys, only this one counts.
    const isHeld = valuesOf(symbols, node.name).length > 0;
    return isHeld ? [node.name] : [node.name, unwrap(node.expression)];
  }
  const sides = sidesOf(node);
  if (sides !== undefined) return sides.map(unwrap);
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    children.push(ts.isExpression(child) ? unwrap(child) : child);
  });
  return children;
}

/** What anything but a name says of a key. */
function kindOf(symbols: Symbols, node: ts.Node, kindAt: KindAt): ClientKind | undefined {
  if (ts.isStringLiteralLike(node)) {
    const role =
      kindByName(node.text, symbols.project.settings.code.clients) ?? roleOfKey(node.text);
    return role === "unknown" && !looksLikeKey(node.text) && !isNameOfKey(node) ? undefined : role;
  }
  const said = leadsOf(symbols, node).map(kindAt);
  if (sidesOf(node) !== undefined) return least(said);
  const known = strongest(said);
  return ts.isExpression(node) && !ts.isObjectLiteralExpression(node)
    ? (known ?? "unknown")
    : known;
}

type Named = { readonly node: ts.Node; readonly leads: readonly ts.Node[] };

/** What a name says, or names that are given one another. */
function kindOfNames(
  symbols: Symbols,
  names: readonly Named[],
  kindAt: KindAt,
): ClientKind | undefined {
  if (names.every(({ node }) => isUndefined(node))) return undefined;
  const own = least(names.map(({ node }) => ownKind(symbols, node)));
  if (own === "service-role") return own;
  const said = names.flatMap(({ leads }) => leads).map(kindAt);
  const kind = least(said);
  // What one value is, its name tells; of several, each has to be told.
  const isTold = kind !== undefined && (kind !== "unknown" || said.length > 1);
  return isTold ? kind : (own ?? "unknown");
}

function ownKind({ project }: Symbols, node: ts.Node): ClientKind | undefined {
  return ts.isMemberName(node) ? kindByName(node.text, project.settings.code.clients) : undefined;
}

function isUndefined(node: ts.Node): boolean {
  return ts.isIdentifier(node) && isNothing(node);
}

/** Both ways of `?:`, `??` and `||`. */
function sidesOf(node: ts.Node): readonly ts.Expression[] | undefined {
  if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse];
  return ts.isBinaryExpression(node) && isEither(node.operatorToken.kind)
    ? [node.left, node.right]
    : undefined;
}

/** The values that one may be, without those that are no key. */
function alternativesOf(value: ts.Expression): readonly ts.Expression[] {
  const inner = unwrap(value);
  const sides = sidesOf(inner);
  return sides !== undefined
    ? sides.flatMap(alternativesOf)
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
