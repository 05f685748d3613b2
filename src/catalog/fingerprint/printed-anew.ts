/**
 * Whether two definitions are the same, even if two minor versions print them differently: after an
 * update of the server, the text of an unchanged definition can be another one.
 */
export function samePrinted(before: string, after: string): boolean {
  return before === after || printedPlainly(before) === printedPlainly(after);
}

const name = String.raw`(?:"(?:[^"]|"")+"|[\w$]+)`;

/** `UPDATE t AS other SET …`: the AS came in November 2026, to rules and to bodies of functions. */
const aliasOfTarget = new RegExp(
  String.raw`\b(UPDATE|DELETE FROM|MERGE INTO)( ONLY)? (${name}(?:\.${name})?) AS (${name})`,
  "g",
);

/**
 * `EXTRACT("YEAR" FROM …)`: the quotes came in August 2026, where the field is no word in lower case;
 * without them a restore reads it in lower case. Its case has no meaning.
 */
const extractedField = /\bEXTRACT\((?:"((?:[^"]|"")+)"|(\w+)) FROM /g;

/** A definition in words that all minor versions print alike. */
export function printedPlainly(definition: string): string {
  return withoutParenthesesOf(
    " IS DOCUMENT",
    definition
      .replaceAll(aliasOfTarget, "$1$2 $3 $4")
      .replaceAll(extractedField, (_all, quoted: string | undefined, word: string | undefined) => {
        const field = quoted?.replaceAll('""', '"') ?? word ?? "";
        return `EXTRACT(${field.toLowerCase()} FROM `;
      }),
  );
}

/** `(x IS DOCUMENT)`: the parentheses came in November 2026. */
function withoutParenthesesOf(ending: string, definition: string): string {
  if (!definition.includes(ending)) return definition;
  const open: number[] = [];
  const dropped = new Set<number>();
  for (const { 0: token, index } of definition.matchAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]/g)) {
    if (token === "(") open.push(index);
    const opened = token === ")" ? open.pop() : undefined;
    if (opened === undefined) continue;
    let end = index;
    while (dropped.has(end - 1)) end -= 1;
    if (definition.endsWith(ending, end)) dropped.add(opened).add(index);
  }
  return definition
    .split("")
    .filter((_character, index) => !dropped.has(index))
    .join("");
}
