import type ts from "typescript";
import type { Symbols } from "../reading/symbols.ts";
import { shortText } from "../reading/syntax.ts";
import { stringsOf } from "../reading/table-name.ts";
import { textsOf } from "../reading/text-variants.ts";

/** What a query's select reaches through its table. */
export type Selection = {
  /** Tables, or what stands for one: a foreign key's column or name. */
  readonly embeds: readonly string[];
  /** What of the select cannot be read: it may reach any table. */
  readonly unread: string | undefined;
};

/** The selection that an argument of `select` is; without one it is the table's own columns. */
export function selectionOf(symbols: Symbols, columns: ts.Expression | undefined): Selection {
  if (columns === undefined) return { embeds: [], unread: undefined };
  const known = stringsOf(symbols, columns);
  const texts = known.kind === "known" ? known.names : (textsOf(symbols, columns) ?? []);
  const isRead = texts.length > 0 && !texts.some((text) => text.includes("$0"));
  return {
    embeds: [...new Set(texts.flatMap(embedsOf))],
    unread: isRead ? undefined : shortText(columns),
  };
}

/** Tables that a select string reaches through another one: `campaigns(name)`, `...users!fk(id)`. */
function embedsOf(columns: string): string[] {
  const found: string[] = [];
  // Behind one dot or with nothing in the parentheses stands an aggregate: amount.sum(), count().
  for (const [, table = "", inside = ""] of columns.matchAll(
    /(?<!\w|(?<!\.\.)\.)(?:\w+\s*:(?!:)\s*)?([A-Za-z_]\w*)(?:!\w+)*\s*\((\s*\))?/g,
  ))
    if (inside === "") found.push(table);
  return found;
}
