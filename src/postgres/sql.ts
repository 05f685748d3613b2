/**
 * SQL as plain data. It can be printed, hashed, stored in the journal and written into a script for
 * psql. Values are kept separate from the text, so no name or literal is ever parsed again. This
 * module does not import the driver.
 */
export type SqlValue = string | number | boolean | null | readonly string[];

export type Sql = {
  /** The text around the values: there is always one part more than values. */
  readonly parts: readonly string[];
  readonly values: readonly SqlValue[];
};

/** A list that cannot be empty. */
export type Some<Item> = readonly [Item, ...Item[]];

/** A relation's schema and name, as PostgreSQL stores them. */
export type RelationName = { readonly schema: string; readonly name: string };

/** PostgreSQL truncates longer names (NAMEDATALEN - 1). */
export const longestNameInBytes = 63;

function text(content: string): Sql {
  return { parts: [content], values: [] };
}

function quoted(name: string): string {
  if (name.length === 0 || name.includes("\0")) {
    throw new TypeError(`not a PostgreSQL name: ${JSON.stringify(name)}`);
  }
  if (Buffer.byteLength(name) > longestNameInBytes) {
    throw new TypeError(
      `over ${longestNameInBytes} bytes, PostgreSQL would truncate it: ${JSON.stringify(name)}`,
    );
  }
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * The one function that quotes identifiers.
 * @throws TypeError for an empty name, one with a NUL byte, or one over 63 bytes
 */
export function ident(name: string | RelationName): Sql {
  return text(
    typeof name === "string" ? quoted(name) : `${quoted(name.schema)}.${quoted(name.name)}`,
  );
}

function literalText(value: SqlValue): string {
  if (value === null) return "NULL";
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError(`not a SQL number: ${value}`);
    return String(value);
  }
  if (typeof value === "string") {
    if (value.includes("\0")) throw new TypeError("a PostgreSQL string cannot contain a NUL byte");
    const doubled = value.replaceAll("'", "''");
    // In a plain literal, a backslash is an escape if standard_conforming_strings is off.
    return value.includes("\\") ? `E'${doubled.replaceAll("\\", "\\\\")}'` : `'${doubled}'`;
  }
  return `ARRAY[${value.map(literalText).join(", ")}]::text[]`;
}

/** A value as a literal: for DDL, where PostgreSQL does not accept parameters. */
export function literal(value: SqlValue): Sql {
  return text(literalText(value));
}

/** Text that is SQL already, also from the configuration: its author may run any SQL. */
export function raw(content: string): Sql {
  return text(content);
}

/** Pieces joined by a separator: `list([ident("a"), ident("b")])`. */
export function list(pieces: readonly Sql[], separator = ", "): Sql {
  return pieces.reduce(
    (joined, piece, index) =>
      index === 0 ? piece : concatenated(concatenated(joined, text(separator)), piece),
    text(""),
  );
}

function concatenated(left: Sql, right: Sql): Sql {
  const seam = `${left.parts.at(-1) ?? ""}${right.parts[0] ?? ""}`;
  return {
    parts: [...left.parts.slice(0, -1), seam, ...right.parts.slice(1)],
    values: [...left.values, ...right.values],
  };
}

/** Builds SQL from a template: SQL is inserted as it is, anything else becomes a parameter. */
export function sql(strings: TemplateStringsArray, ...pieces: readonly (Sql | SqlValue)[]): Sql {
  const [first = "", ...others] = dedentedOnce(strings);
  return others.reduce((built, following, index) => {
    const piece = pieces[index];
    if (piece === undefined) throw new TypeError("undefined in SQL");
    const hole = isSql(piece) ? piece : { parts: ["", ""], values: [piece] };
    return concatenated(concatenated(built, hole), text(following));
  }, text(first));
}

function isSql(piece: Sql | SqlValue): piece is Sql {
  return typeof piece === "object" && piece !== null && "parts" in piece;
}

/** By template: JavaScript passes the same array of strings each time a template is evaluated. */
const dedentedTemplates = new WeakMap<TemplateStringsArray, readonly string[]>();

function dedentedOnce(strings: TemplateStringsArray): readonly string[] {
  const before = dedentedTemplates.get(strings);
  if (before !== undefined) return before;
  const lines = dedented(strings);
  dedentedTemplates.set(strings, lines);
  return lines;
}

/** Removes the indentation of the source code from a template, never from what is inserted. */
function dedented(strings: readonly string[]): string[] {
  const hole = "\u0000";
  const lines = strings.join(hole).split("\n");
  while (lines.length > 1 && lines[0]?.trim() === "") lines.shift();
  while (lines.length > 1 && lines.at(-1)?.trim() === "") lines.pop();
  const margins = lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S|$/));
  const margin = Math.min(...margins, 1000);
  return lines
    .map((line) => line.slice(margin))
    .join("\n")
    .split(hole);
}

/** The text with PostgreSQL's numbered placeholders, and the values, for a driver. */
export function toQuery(statement: Sql): { text: string; values: SqlValue[] } {
  return {
    text: statement.parts.reduce((before, part, index) => `${before}$${index}${part}`),
    values: [...statement.values],
  };
}

/**
 * A name or other SQL without values as a text, for a message or a script.
 * @throws TypeError for SQL with values
 */
export function textOf(piece: Sql): string {
  if (piece.values.length > 0) throw new TypeError("SQL with values is not a text");
  return piece.parts.join("");
}

/** The statement with its values as literals: for people and for psql, never for the driver. */
export function toScript(statement: Sql): string {
  const written = statement.parts.reduce(
    (before, part, index) => `${before}${literalText(statement.values[index - 1] ?? null)}${part}`,
  );
  return `${written};`;
}

/** The statement with its values as literals, so that it can be sent together with others. */
export function inlined(statement: Sql): Sql {
  return text(toScript(statement).slice(0, -1));
}

/**
 * Statements without values as one text: one round trip, and after an error none of the rest is run.
 * @throws TypeError for a value: PostgreSQL accepts parameters for a single statement only
 */
export function together(statements: readonly Sql[]): Sql {
  if (statements.some(({ values }) => values.length > 0))
    throw new TypeError("statements with values cannot be sent together");
  return list(statements, ";\n");
}

/** The body of a function in dollar quotes, with a tag that does not occur in the body. */
export function functionBody(body: Sql): Sql {
  let tag = "$function$";
  while (body.parts.some((part) => part.includes(tag))) tag = tag.replace(/\$$/, "_$");
  return list([text(tag), body, text(`\n${tag}`)], "");
}
