import ts from "typescript";
import type { Project } from "../reading/project.ts";
import { type Edit, indentAt, insertion, lineEnd } from "../rewrite/edit.ts";

/** A member of a type literal, by its name. */
function member(type: ts.Node | undefined, name: string): ts.TypeLiteralNode | undefined {
  if (type === undefined || !ts.isTypeLiteralNode(type)) return undefined;
  for (const one of type.members) {
    if (!ts.isPropertySignature(one) || one.name.getText() !== name) continue;
    return one.type !== undefined && ts.isTypeLiteralNode(one.type) ? one.type : undefined;
  }
  return undefined;
}

/**
 * Adds the organization's column to the types that `supabase gen types` generated, for tenant tables that
 * do not have it. In `Insert` it is optional: the database fills it where the writer's organization is certain.
 * @returns edits; none where there are no such types, or all have the column
 */
export function databaseTypes(project: Project): readonly Edit[] {
  const { settings, program } = project;
  const column = settings.names.organizationColumn;
  const tables = [...settings.tables.day1, ...settings.tables.day2].map(({ relation }) => relation);
  return program
    .getSourceFiles()
    .filter(({ fileName }) => !fileName.includes("/node_modules/"))
    .flatMap((source) => databaseOf(source).map((database) => ({ source, database })))
    .flatMap(({ source, database }) =>
      tables.flatMap(({ schema, name }) => {
        const table = member(member(member(database, schema), "Tables"), name);
        return (["Row", "Insert", "Update"] as const).flatMap((shape) => {
          const type = member(table, shape);
          return type === undefined ? [] : columnOf(source, type, column, shape !== "Row");
        });
      }),
    );
}

function databaseOf(source: ts.SourceFile): ts.TypeLiteralNode[] {
  return source.statements
    .filter(ts.isTypeAliasDeclaration)
    .filter(({ name }) => name.text === "Database")
    .flatMap(({ type }) => (ts.isTypeLiteralNode(type) ? [type] : []));
}

function columnOf(
  source: ts.SourceFile,
  type: ts.TypeLiteralNode,
  column: string,
  isOptional: boolean,
): Edit[] {
  const names = type.members.map(({ name }) => name?.getText() ?? "");
  if (names.includes(column)) return [];
  const text = `${column}${isOptional ? "?" : ""}: string`;
  // Columns are in alphabetical order.
  const next = type.members.find(({ name }) => (name?.getText() ?? "") > column);
  const end = /[;,]$/.exec(type.members[0]?.getText() ?? "")?.[0] ?? "";
  if (next !== undefined) {
    const indent = indentAt(source, next.getStart());
    return [insertion(source, next.getStart(), `${text}${end}${lineEnd(source)}${indent}`)];
  }
  const last = type.members.at(-1);
  if (last === undefined) return [insertion(source, type.getStart() + 1, ` ${text} `)];
  const indent = indentAt(source, last.getStart());
  return [insertion(source, last.getEnd(), `${lineEnd(source)}${indent}${text}${end}`)];
}
