import type ts from "typescript";
import type { Symbols } from "../reading/symbols.ts";
import { shortText } from "../reading/syntax.ts";
import { stringsOf } from "../reading/table-name.ts";
import { textsOf } from "../reading/text-variants.ts";

/** The tables that a select embeds. */
export type Selection = {
  /** Tables, or the column or name of a foreign key to one. */
  readonly embeds: readonly string[];
  /** The part of the select that cannot be read: it may embed any table. */
  readonly unread: string | undefined;
};

/** The selection of an argument of `select`; without one, the table's own columns. */
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

/** Tables that a select string embeds: `campaigns(name)`, `...users!fk(id)`. */
function embedsOf(columns: string): string[] {
  const found: string[] = [];
  // After one dot, or with empty parentheses, it is an aggregate: amount.sum(), count().
  for (const [, table = "", inside = ""] of columns.matchAll(
    /(?<!\w|(?<!\.\.)\.)(?:\w+\s*:(?!:)\s*)?([A-Za-z_]\w*)(?:!\w+)*\s*\((\s*\))?/g,
  ))
    if (inside === "") found.push(table);
  return found;
}
