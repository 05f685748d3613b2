import type { Node } from "libpg-query";
import type { Query, Statements, WrittenName } from "./query.ts";
import { readQueries } from "./read-query.ts";
import { nameOf, within } from "./syntax.ts";

/** Statements that neither read nor write rows, and have no effect after the transaction. */
const harmless = new Set(["VariableSetStmt", "VariableShowStmt", "LockStmt", "ConstraintsSetStmt"]);

/** Reads what statements do from their syntax trees. */
export function readStatements(statements: readonly Node[]): Statements {
  const queries: Query[] = [];
  const others: string[] = [];
  for (const statement of statements) {
    if (readQueries(statement, queries)) continue;
    const [kind = "unknown"] = Object.keys(statement);
    if (!harmless.has(kind)) others.push(kind.replace(/Stmt$/, ""));
  }
  return { queries, others, ...namesIn(statements) };
}

/** The functions, operators, types and settings that are named anywhere in statements. */
function namesIn(statements: readonly Node[]): Omit<Statements, "queries" | "others"> {
  const calls: WrittenName[] = [];
  const operators: WrittenName[] = [];
  const types: WrittenName[] = [];
  const sets: (string | undefined)[] = [];
  for (const object of within(statements)) {
    if ("funcname" in object && isNodes(object.funcname)) {
      const name = nameOf(object.funcname);
      calls.push(name);
      if (name.name === "set_config")
        sets.push("args" in object ? firstText(object.args) : undefined);
    }
    if ("A_Expr" in object) {
      const expression = object.A_Expr;
      if (isObject(expression) && "name" in expression && isNodes(expression.name))
        operators.push(nameOf(expression.name));
    }
    if ("names" in object && "typemod" in object && isNodes(object.names))
      types.push(nameOf(object.names));
    if ("VariableSetStmt" in object && isObject(object.VariableSetStmt)) {
      const set = object.VariableSetStmt;
      sets.push("name" in set ? String(set.name) : undefined);
    }
  }
  return { calls, operators, types, sets };
}

function firstText(args: unknown): string | undefined {
  if (!Array.isArray(args)) return undefined;
  const given: unknown = args[0];
  // In a body of SQL-standard form, each constant has its type.
  const cast = isObject(given) && "TypeCast" in given ? given.TypeCast : undefined;
  const first: unknown = isObject(cast) && "arg" in cast ? cast.arg : given;
  if (!isObject(first) || !("A_Const" in first) || !isObject(first.A_Const)) return undefined;
  const constant = first.A_Const;
  if (!("sval" in constant) || !isObject(constant.sval)) return undefined;
  return "sval" in constant.sval ? String(constant.sval.sval) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isNodes(value: unknown): value is readonly Node[] {
  return Array.isArray(value);
}
