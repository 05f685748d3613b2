/** Tables that a select string reaches through another one: `campaigns(name)`, `owner:users!fk(id)`. */
export function embedsOf(columns: string): string[] {
  const found: string[] = [];
  // Behind a dot or with nothing in the parentheses stands an aggregate: amount.sum(), count().
  for (const [, table = "", inside = ""] of columns.matchAll(
    /(?<![.\w])(?:\w+\s*:(?!:)\s*)?([A-Za-z_]\w*)(?:!\w+)*\s*\((\s*\))?/g,
  ))
    if (inside === "") found.push(table);
  return [...new Set(found)];
}
