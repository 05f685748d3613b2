import { z } from "zod";
import type { Parser } from "./parser.ts";
import type { Statements } from "./query.ts";
import { readStatements } from "./read-statements.ts";
import { within } from "./syntax.ts";

/** A function as the catalog has it. */
export type Written = {
  readonly language: string;
  /** Its CREATE FUNCTION statement, in which a body of SQL-standard form has the schema of every name. */
  readonly definition: string;
  readonly source: string;
  /** Whether its body is of SQL-standard form: BEGIN ATOMIC or RETURN. */
  readonly atomic: boolean;
};

/** What a body does, from its syntax tree. */
export type Body = Statements & {
  /** Whether it runs SQL that it builds. */
  readonly dynamic: boolean;
  /** Why the body is not known: its language, or what the parser said. */
  readonly unknown: string | undefined;
};

const nothing: Statements = {
  queries: [],
  calls: [],
  operators: [],
  types: [],
  sets: [],
  others: [],
};

/** Parses a body in SQL or PL/pgSQL. */
export function readBody(parser: Parser, { language, definition, source, atomic }: Written): Body {
  if (language === "sql") {
    const parsed = parser.sql(atomic ? definition : source);
    if ("fault" in parsed) return notRead(`cannot be parsed: ${parsed.fault}`);
    return {
      ...readStatements(atomic ? statementsBelow(parsed) : parsed),
      dynamic: false,
      unknown: undefined,
    };
  }
  if (language === "plpgsql") return readPlpgsql(parser, definition);
  return notRead(`is written in ${language}`);
}

function notRead(unknown: string): Body {
  return { ...nothing, dynamic: false, unknown };
}

type Nodes = Parameters<typeof readStatements>[0];

/** The statements of a body in SQL-standard form. */
function statementsBelow(parsed: Nodes): Nodes {
  return parsed.flatMap((node) => {
    if (!("CreateFunctionStmt" in node)) return [];
    const { sql_body: body } = node.CreateFunctionStmt;
    return body === undefined ? [] : flattened(body);
  });
}

function flattened(node: Nodes[number]): Nodes {
  return "List" in node ? (node.List.items ?? []).flatMap(flattened) : [node];
}

const expressionSchema = z.object({ query: z.string(), parseMode: z.number() });

/** Parse modes of PL/pgSQL: a statement, an expression, and assignments from 3 on. */
const [asStatement, asExpression] = [0, 2];

function readPlpgsql(parser: Parser, definition: string): Body {
  const tree = parser.plpgsql(definition);
  const failed = z.object({ fault: z.string() }).safeParse(tree);
  if (failed.success) return notRead(`cannot be parsed: ${failed.data.fault}`);
  let dynamic = false;
  let commits = false;
  const statements: Nodes[number][] = [];
  for (const object of within(tree)) {
    if ("PLpgSQL_stmt_dynexecute" in object || "PLpgSQL_stmt_dynfors" in object) dynamic = true;
    if ("dynquery" in object) dynamic = true;
    if ("PLpgSQL_stmt_commit" in object || "PLpgSQL_stmt_rollback" in object) commits = true;
    if (!("PLpgSQL_expr" in object)) continue;
    const { query, parseMode } = expressionSchema.parse(object.PLpgSQL_expr);
    const parsed = parser.sql(statementOf(query, parseMode));
    if ("fault" in parsed) return notRead(`cannot be parsed: ${parsed.fault}`);
    statements.push(...parsed);
  }
  const read = readStatements(statements);
  const others = commits ? [...read.others, "COMMIT"] : read.others;
  return { ...read, others, dynamic, unknown: undefined };
}

/** What PL/pgSQL parses as an expression or an assignment, as a statement. */
function statementOf(query: string, parseMode: number): string {
  if (parseMode === asStatement) return query;
  if (parseMode === asExpression) return `SELECT ${query}`;
  return `SELECT ${query.replace(/^[^:=]*:?=/, "")}`;
}
