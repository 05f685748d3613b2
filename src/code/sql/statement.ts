import {
  hasSqlDetails,
  type InsertStmt,
  loadModule,
  type Node,
  parseSync,
  type WithClause,
} from "libpg-query";

// PostgreSQL's own parser, compiled to WebAssembly, must be loaded first.
await loadModule();

export type NamedRelation = { readonly schema: string | undefined; readonly name: string };

/**
 * The statements of a text, by PostgreSQL's own parser; for `EXPLAIN`, `DECLARE … CURSOR` and similar, the
 * statement that they run. Undefined where the text is not SQL.
 */
export function statementsOf(text: string): readonly Node[] | undefined {
  try {
    return (
      parseSync(text).stmts?.flatMap(({ stmt }) => (stmt === undefined ? [] : runBy(stmt))) ?? []
    );
  } catch (error) {
    if (hasSqlDetails(error)) return undefined;
    throw error;
  }
}

function runBy(statement: Node): Node {
  const query =
    ("ExplainStmt" in statement && statement.ExplainStmt.query) ||
    ("DeclareCursorStmt" in statement && statement.DeclareCursorStmt.query) ||
    ("CreateTableAsStmt" in statement && statement.CreateTableAsStmt.query) ||
    ("PrepareStmt" in statement && statement.PrepareStmt.query);
  return query ? runBy(query) : statement;
}

const ofRows = "SelectStmt InsertStmt UpdateStmt DeleteStmt MergeStmt CopyStmt TruncateStmt".split(
  " ",
);

/** Whether a statement reads or writes rows; DDL does not. */
export function isOfRows(statement: Node): boolean {
  return ofRows.some((kind) => kind in statement);
}

/** The inserts of a statement: itself, and those in its `WITH`. */
export function insertsIn(statement: Node): readonly InsertStmt[] {
  const own = "InsertStmt" in statement ? [statement.InsertStmt] : [];
  const made = (withOf(statement)?.ctes ?? []).flatMap((one) =>
    "CommonTableExpr" in one && one.CommonTableExpr.ctequery !== undefined
      ? insertsIn(one.CommonTableExpr.ctequery)
      : [],
  );
  return [...own, ...made];
}

function withOf(statement: Node): WithClause | undefined {
  if ("SelectStmt" in statement) return statement.SelectStmt.withClause;
  if ("InsertStmt" in statement) return statement.InsertStmt.withClause;
  if ("UpdateStmt" in statement) return statement.UpdateStmt.withClause;
  if ("DeleteStmt" in statement) return statement.DeleteStmt.withClause;
  return "MergeStmt" in statement ? statement.MergeStmt.withClause : undefined;
}

/** Everything below a node that is an object. */
export function* within(value: unknown): Generator<object> {
  if (typeof value !== "object" || value === null) return;
  yield value;
  for (const inner of Object.values(value)) yield* within(inner);
}

/** The relations that statements name, without the names of their `WITH`. */
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

/** The same for a text that cannot be parsed, because parts are not known: by its words. */
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
