/** What a body of SQL or PL/pgSQL may refer to, by the look of its text. */
export type NamesInBody = {
  /** Names before a parenthesis: `caller`, or `tenancy.caller` as two parts. */
  readonly called: readonly (readonly string[])[];
  /** All names with a schema, and those that a FROM, JOIN or UPDATE names. */
  readonly relations: readonly (readonly string[])[];
  readonly operators: readonly string[];
};

const part = String.raw`(?:"(?:[^"]|"")+"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`;
const names = new RegExp(
  String.raw`((?:\b(?:from|join|update|into|only|table)\s+)+)?(${part}(?:\s*\.\s*${part})*)(\s*\()?`,
  "gi",
);
const operators = /[-+*/<>=~!@#%^&|`?]+/g;

/**
 * Names in a body. Texts in quotes are read too: EXECUTE runs them. It finds more names than the body
 * refers to, and none less, except those that are put together while it runs.
 */
export function namesInBody(body: string): NamesInBody {
  const text = body.replaceAll(/--[^\n]*|\/\*.*?\*\//gs, " ");
  const called: string[][] = [];
  const relations: string[][] = [];
  for (const [, from, name = "", parenthesis] of text.matchAll(names)) {
    const parts = [...name.matchAll(new RegExp(part, "g"))].map(([one]) => asStored(one)).slice(-2);
    if (parenthesis !== undefined) called.push(parts);
    if (from !== undefined || parts.length > 1) relations.push(parts);
  }
  return { called, relations, operators: [...new Set(text.match(operators) ?? [])] };
}

function asStored(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
}

/** The schemas of a `search_path=…` of a function's settings; undefined where it has none. */
export function schemasOf(settings: readonly string[]): readonly string[] | undefined {
  const path = settings.find((setting) => setting.startsWith("search_path="));
  if (path === undefined) return undefined;
  return [...path.slice("search_path=".length).matchAll(new RegExp(part, "g"))]
    .map(([one]) => asStored(one))
    .filter((name) => name !== "");
}
