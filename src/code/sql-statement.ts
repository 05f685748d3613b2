import { hasSqlDetails, loadModule, type Node, parseSync } from "libpg-query";

// It reads by PostgreSQL's own grammar, compiled to WebAssembly, which has to be there first.
await loadModule();

export type NamedRelation = { readonly schema: string | undefined; readonly name: string };

/** The statements of a text, by PostgreSQL's own grammar; undefined where it is none. */
export function statementsOf(text: string): readonly Node[] | undefined {
  try {
    return parseSync(text).stmts?.flatMap(({ stmt }) => stmt ?? []) ?? [];
  } catch (error) {
    if (hasSqlDetails(error)) return undefined;
    throw error;
  }
}

/** Everything below a node that is an object. */
export function* within(value: unknown): Generator<object> {
  if (typeof value !== "object" || value === null) return;
  yield value;
  for (const inner of Object.values(value)) yield* within(inner);
}

/** The relations that statements name, without what they make themselves: `WITH own AS (…)`. */
export function relationsNamed(statements: readonly Node[]): NamedRelation[] {
  const found: (NamedRelation & { readonly at: number })[] = [];
  const made = new Set<string>();
  for (const node of within(statements)) {
    if ("ctename" in node && typeof node.ctename === "string") made.add(node.ctename);
    if (!("relname" in node) || typeof node.relname !== "string") continue;
    const schema =
      "schemaname" in node && typeof node.schemaname === "string" ? node.schemaname : undefined;
    const at = "location" in node && typeof node.location === "number" ? node.location : 0;
    found.push({ schema, name: node.relname, at });
  }
  return found
    .filter(({ schema, name }) => schema !== undefined || !made.has(name))
    .sort((one, other) => one.at - other.at);
}

const named =
  /\b(?:FROM|JOIN|INTO|UPDATE|COPY|TRUNCATE(?:\s+TABLE)?)\s+(?:ONLY\s+)?((?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)(?:\.(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*))?)/gi;

/** The same of a text that cannot be read, because not all of it is known: by its words. */
export function relationsWritten(text: string): NamedRelation[] {
  return [...text.matchAll(named)].map(([, name = ""]) => {
    const parts = [...name.matchAll(/"((?:[^"]|"")+)"|([\w$]+)/g)].map(([, quoted, plain = ""]) =>
      quoted === undefined ? plain.toLowerCase() : quoted.replaceAll('""', '"'),
    );
    const [first = "", second] = parts;
    return second === undefined
      ? { schema: undefined, name: first }
      : { schema: first, name: second };
  });
}
