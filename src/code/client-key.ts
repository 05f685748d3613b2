import ts from "typescript";
import { argumentsFor, type Symbols } from "./symbols.ts";
import { unwrap } from "./syntax.ts";

export const clientKinds = ["user-key", "service-role", "unknown"] as const;

/** Whose rights a client has: row-level security binds the user's key, and not the service role. */
export type ClientKind = (typeof clientKinds)[number];

const longestWay = 6;

/** Which key a client is made with, by the names that lead to it and by what the key itself says. */
export function keyOf(symbols: Symbols, made: ts.CallExpression | ts.NewExpression): ClientKind {
  const names = new Set<string>();
  const texts: string[] = [];
  const followed = new Set<ts.Node>();
  const follow = (node: ts.Node, way: number): void => {
    if (way > longestWay || followed.has(node)) return;
    followed.add(node);
    if (ts.isStringLiteralLike(node)) {
      names.add(node.text);
      texts.push(node.text);
    }
    if (ts.isPropertyAccessExpression(node)) {
      names.add(node.name.text);
      // Of an object that holds several keys, only this one counts.
      const held = (symbols.symbolOf(node.name)?.declarations ?? []).filter(
        ts.isPropertyAssignment,
      );
      for (const { initializer } of held) follow(initializer, way + 1);
      if (held.length > 0) return;
    }
    if (ts.isIdentifier(node)) {
      names.add(node.text);
      for (const declaration of symbols.symbolOf(node)?.declarations ?? []) {
        if (ts.isVariableDeclaration(declaration) && declaration.initializer !== undefined)
          follow(declaration.initializer, way + 1);
        if (ts.isParameter(declaration))
          for (const given of argumentsFor(symbols, declaration)) follow(given, way + 1);
      }
    }
    ts.forEachChild(node, (child) => follow(child, way));
  };
  // The first is the URL; the key is behind it, or within the options.
  for (const argument of made.arguments?.slice(1) ?? []) follow(unwrap(argument), 0);

  const { serviceRole, userKey } = symbols.project.settings.code.clients;
  const roles = texts.map(roleOfKey);
  if (anyEndsWith(names, serviceRole) || roles.includes("service-role")) return "service-role";
  if (anyEndsWith(names, userKey) || roles.includes("user-key")) return "user-key";
  return "unknown";
}

/** Whether a name is a configured one, whatever stands before it: `VITE_SUPABASE_ANON_KEY`. */
export function anyEndsWith(names: Iterable<string>, configured: readonly string[]): boolean {
  return [...names].some((name) => configured.some((ending) => name.endsWith(ending)));
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
