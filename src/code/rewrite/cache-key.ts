import ts from "typescript";
import type { Cache } from "../queries/inventory-entry.ts";
import { unwrap } from "../reading/syntax.ts";
import { type Edit, insertion, type Refusal, refuse } from "./edit.ts";

/** Adds the organization at the end of a key, so that a search by the key's beginning still finds it. */
export function keyByOrganization(
  { store, key }: Cache,
  organization: string,
): readonly Edit[] | Refusal {
  if (key === undefined) return refuse("it has no key: responses are stored by URL");
  const node = unwrap(key);
  const source = node.getSourceFile();
  switch (store) {
    case "react-query": {
      if (!ts.isArrayLiteralExpression(node)) return refuse("the key is not a literal here");
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
      if (!ts.isStringLiteral(node)) return refuse("the key is not a literal here");
      const text = node.text.replace(/[`\\]|\$\{/g, (character) => `\\${character}`);
      return [{ source, at: node.getStart(), until: node.getEnd(), text: `\`${text}${added}\`` }];
    }
    case "swr":
      return refuse("every mutate call must use the same key");
    case "cache-api":
    case "service-worker":
      return refuse("a service worker does not know the organization");
    default:
      return store satisfies never;
  }
}
