import ts from "typescript";
import type { Cache } from "../queries/entry.ts";
import { valuesOf } from "../reading/held.ts";
import { functionCalled, type Symbols } from "../reading/symbols.ts";
import { returnedBy, unwrap } from "../reading/syntax.ts";
import { stringsOf } from "../reading/table-name.ts";
import { textsOf } from "../reading/text-variants.ts";
import { type Edit, insertion, type Refusal, refuse } from "./edit.ts";

/** Puts the organization behind all else in a key, so that what begins with the key still finds it. */
export function keyByOrganization(
  { store, key }: Cache,
  organization: string,
): readonly Edit[] | Refusal {
  if (key === undefined) return refuse("it has no key of its own: it goes by URLs");
  const node = unwrap(key);
  const source = node.getSourceFile();
  switch (store) {
    case "react-query": {
      if (!ts.isArrayLiteralExpression(node)) return refuse("the key is not written out here");
      const last = node.elements.at(-1);
      return last === undefined
        ? [insertion(source, node.getEnd() - 1, organization)]
        : [insertion(source, last.getEnd(), `, ${organization}`)];
    }
    case "localStorage":
    case "sessionStorage": {
      const added = `:\${${organization}}`;
      if (ts.isTemplateExpression(node) || ts.isNoSubstitutionTemplateLiteral(node))
        return [insertion(source, node.getEnd() - 1, added)];
      if (!ts.isStringLiteral(node)) return refuse("the key is not written out here");
      const text = node.text.replace(/[`\\]|\$\{/g, (character) => `\\${character}`);
      return [{ source, at: node.getStart(), until: node.getEnd(), text: `\`${text}${added}\`` }];
    }
    case "swr":
      return refuse("whatever mutates it has to name the same key");
    case "cache-api":
    case "service-worker":
      return refuse("a service worker does not know the organization");
    default:
      return store satisfies never;
  }
}

/** The keys that a place can have, with `$0` for what is put in: what is kept under one is found by it only. */
export function keysOf(symbols: Symbols, { store, key }: Cache): readonly string[] {
  if (key === undefined) return [];
  const node = declaredAs(symbols, unwrap(key));
  const first = ts.isArrayLiteralExpression(node) ? node.elements[0] : node;
  if (first === undefined) return [];
  const known = stringsOf(symbols, first);
  const texts = known.kind === "known" ? known.names : textsOf(symbols, first);
  return (texts ?? [first.getText()]).map((text) => `${store} ${text}`);
}

/** The array that a name stands for, or that a function makes: `keys.all`, `keys.list()`. */
function declaredAs(symbols: Symbols, node: ts.Expression): ts.Expression {
  const called = ts.isCallExpression(node) ? functionCalled(symbols, node) : undefined;
  const name = ts.isPropertyAccessExpression(node) ? node.name : node;
  const values = ts.isMemberName(name) ? valuesOf(symbols, name) : [];
  const [value] = called === undefined ? values : returnedBy(called);
  const inner = value === undefined ? undefined : unwrap(value);
  return inner !== undefined && ts.isArrayLiteralExpression(inner) ? inner : node;
}
