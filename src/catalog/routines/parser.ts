import type { Node } from "libpg-query";
import { z } from "zod";

/** PostgreSQL's own parser. */
export type Parser = {
  /** The statements of a text, or why it cannot be parsed. */
  readonly sql: (text: string) => readonly Node[] | { readonly fault: string };
  /** The syntax tree of a function in PL/pgSQL. @param definition its CREATE FUNCTION statement */
  readonly plpgsql: (definition: string) => unknown;
};

const thrown = z.object({ message: z.string() });

/** Loads the parser (1.7 MB of WebAssembly, about 0.15 s), which only functions need. */
export async function loadParser(): Promise<Parser> {
  const { loadModule, parseSync, parsePlPgSQLSync } = await import("libpg-query");
  await loadModule();
  const tried = <Result>(parse: () => Result): Result | { readonly fault: string } => {
    try {
      return parse();
    } catch (error) {
      return { fault: thrown.parse(error).message };
    }
  };
  return {
    sql: (text) =>
      tried(
        () =>
          parseSync(text).stmts?.flatMap(({ stmt }) => (stmt === undefined ? [] : [stmt])) ?? [],
      ),
    plpgsql: (definition) => tried((): unknown => parsePlPgSQLSync(definition)),
  };
}
