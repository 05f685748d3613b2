import ts from "typescript";
import type { Settings } from "../../config/settings.ts";
import { memoize } from "../reading/memoize.ts";
import { valuesOf } from "../reading/property-values.ts";
import { answerByComponent } from "../reading/strongly-connected.ts";
import type { Symbols } from "../reading/symbols.ts";
import { isEither, isFunctionNode, isNothing, unwrap } from "../reading/syntax.ts";

export const clientKinds = ["user-key", "service-role", "unknown"] as const;

/** Which key a client has: row-level security applies to the user's key, and not to the service role. */
export type ClientKind = (typeof clientKinds)[number];

/** Which key a client is created with, from the names that lead to it and from the key itself. */
export function keyOf(symbols: Symbols, made: ts.CallExpression | ts.NewExpression): ClientKind {
  // The first argument is the URL; the key comes after it, or is in the options.
  const others = (made.arguments ?? []).slice(1);
  return strongest(others.map((one) => kinds(symbols)(unwrap(one)))) ?? "unknown";
}

/** The kind of key that nodes show; undefined where they show none: an empty string, null. */
type KindAt = (node: ts.Node) => ClientKind | undefined;

const kinds = memoize((symbols: Symbols) =>
  answerByComponent<ts.Node, ClientKind | undefined>({
    next: (node) => leadsOf(symbols, node),
    answer(members, of) {
      const inside = new Set(members.map(({ node }) => node));
      // Names in a circle all have the keys that the circle leads to.
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

/** The nodes that determine the kind of key of a node. */
function leadsOf(symbols: Symbols, node: ts.Node): readonly ts.Node[] {
  if (ts.isStringLiteralLike(node)) return [];
  if (ts.isMemberName(node)) {
    if (isUndefined(node) || ownKind(symbols, node) === "service-role") return [];
    const values = valuesOf(symbols, node).filter((value) => !isFunctionNode(unwrap(value)));
    return values.flatMap(alternativesOf);
  }
  if (ts.isPropertyAccessExpression(node)) {
    // In an object with several keys, only this one counts.
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

/** The kind of key that an expression shows which is not a name. */
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

/** The kind of key that a name shows, or names that are assigned to one another. */
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
  // The name of a single value shows its kind; of several values, each must show its own.
  const isTold = kind !== undefined && (kind !== "unknown" || said.length > 1);
  return isTold ? kind : (own ?? "unknown");
}

function ownKind({ project }: Symbols, node: ts.Node): ClientKind | undefined {
  return ts.isMemberName(node) ? kindByName(node.text, project.settings.code.clients) : undefined;
}

function isUndefined(node: ts.Node): boolean {
  return ts.isIdentifier(node) && isNothing(node);
}

/** Both branches of `?:`, `??` and `||`. */
function sidesOf(node: ts.Node): readonly ts.Expression[] | undefined {
  if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse];
  return ts.isBinaryExpression(node) && isEither(node.operatorToken.kind)
    ? [node.left, node.right]
    : undefined;
}

/** The possible values, without those that are not a key. */
function alternativesOf(value: ts.Expression): readonly ts.Expression[] {
  const inner = unwrap(value);
  const sides = sidesOf(inner);
  return sides !== undefined
    ? sides.flatMap(alternativesOf)
    : isNothing(inner) || (ts.isStringLiteralLike(inner) && !looksLikeKey(inner.text))
      ? []
      : [inner];
}

/** Of several possible keys, the one that row-level security limits least. */
function least(kinds: readonly (ClientKind | undefined)[]): ClientKind | undefined {
  return (["service-role", "unknown", "user-key"] as const).find((kind) => kinds.includes(kind));
}

/** Of several names for one key, the most specific kind. */
function strongest(kinds: readonly (ClientKind | undefined)[]): ClientKind | undefined {
  return (["service-role", "user-key", "unknown"] as const).find((kind) => kinds.includes(kind));
}

/** `Deno.env.get("SUPABASE_KEY")`, `process.env["SUPABASE_KEY"]`: an unknown name can be any key. */
function isNameOfKey(node: ts.Expression): boolean {
  return ts.isCallExpression(node.parent) || ts.isElementAccessExpression(node.parent);
}

/** Prefixes of environment variables that browsers may see. */
const shown = /(^|_)PUBLIC_$|^(VITE|REACT_APP|VUE_APP|NG_APP|GATSBY)_$/;

/** The kind that the configuration gives to a name, with any prefix: `VITE_SUPABASE_ANON_KEY`. */
export function kindByName(
  name: string,
  { serviceRole, userKey }: Settings["code"]["clients"],
): ClientKind | undefined {
  if (serviceRole.some((ending) => name.endsWith(ending))) return "service-role";
  const isUsers = userKey.some((ending) => {
    if (!name.endsWith(ending)) return false;
    const before = name.slice(0, -ending.length);
    // `ADMIN_SUPABASE_KEY`: a prefix can change the meaning, unless the name itself contains ANON or PUBLISHABLE.
    const namesKind = !/^[A-Z][A-Z0-9_]*$/.test(ending) || /ANON|PUBLISHABLE/.test(ending);
    return before === "" || namesKind || shown.test(before);
  });
  return isUsers ? "user-key" : undefined;
}

function looksLikeKey(text: string): boolean {
  return /^(eyJ|sb_)/.test(text);
}

/** The kind of a key that is written in the code. */
function roleOfKey(text: string): ClientKind {
  if (text.startsWith("sb_secret_")) return "service-role";
  if (text.startsWith("sb_publishable_")) return "user-key";
  const [, payload] = /^eyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]*$/.exec(text) ?? [];
  if (payload === undefined) return "unknown";
  const decoded = Buffer.from(payload, "base64url").toString();
  // A string that only looks like a key is not one.
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
