import ts from "typescript";
import { annotationFor } from "../reading/annotation.ts";
import type { Project } from "../reading/project.ts";
import type { Symbols } from "../reading/symbols.ts";
import { isFunctionNode, unwrap } from "../reading/syntax.ts";
import { type FileContext, placeOf } from "./chain.ts";
import type { OtherQuery } from "./inventory-entry.ts";

const longestWay = 6;

/** Libraries with their own query functions: their queries are listed, but not checked. */
const others: readonly (readonly [RegExp, string])[] = [
  [/^@prisma\/client|(^|\/)prisma\/client|generated\/prisma/, "Prisma"],
  [/^kysely/, "Kysely"],
  [/^knex$/, "Knex"],
  [/^drizzle-orm/, "Drizzle"],
  [/^typeorm$/, "TypeORM"],
  [/^sequelize|^@sequelize\//, "Sequelize"],
  [/^@mikro-orm\//, "MikroORM"],
  [/^objection$/, "Objection"],
];

/** Whether a project imports one of these libraries at all: most do not. */
export function importsOtherLibrary({ files }: Project): boolean {
  return files.some(({ source }) =>
    source.statements.some(
      (statement) =>
        ts.isImportDeclaration(statement) &&
        ts.isStringLiteral(statement.moduleSpecifier) &&
        isOther(statement.moduleSpecifier.text),
    ),
  );
}

/**
 * A query through another library than supabase-js: `prisma.leads.findMany()`.
 * Calls that set up the library, or describe tables for it, are not queries.
 */
export function otherQueryFrom(
  context: FileContext,
  call: ts.CallExpression,
): OtherQuery | undefined {
  const { symbols, annotations, file } = context;
  // One entry for a chain of calls, at its end.
  if (isContinued(call)) return undefined;
  // SQL in it is an entry itself.
  if (call.arguments.some((one) => ts.isTaggedTemplateExpression(unwrap(one)))) return undefined;
  const root = rootOf(call);
  if (root === undefined || isImported(symbols, root)) return undefined;
  const from = libraryOf(symbols, root);
  const library = others.find(([pattern]) => from !== undefined && pattern.test(from))?.[1];
  if (library === undefined) return undefined;
  return {
    kind: "other",
    place: placeOf(file, call),
    part: file.part,
    node: call,
    annotation: annotationFor(annotations, file, call),
    library,
  };
}

/** The package whose object an expression is, as the import names it; undefined where that is not seen. */
export function libraryOf(
  symbols: Symbols,
  expression: ts.Expression,
  way = 0,
): string | undefined {
  const inner = unwrap(expression);
  const further = (one: ts.Expression) => libraryOf(symbols, one, way + 1);
  if (way > longestWay) return undefined;
  if (ts.isNewExpression(inner) || ts.isCallExpression(inner)) return further(inner.expression);
  if (ts.isTaggedTemplateExpression(inner)) return further(inner.tag);
  if (ts.isBinaryExpression(inner)) return further(inner.right) ?? further(inner.left);
  if (ts.isPropertyAccessExpression(inner))
    return ofName(symbols, inner.name, way) ?? further(inner.expression);
  return ts.isIdentifier(inner) ? ofName(symbols, inner, way) : undefined;
}

function ofName(
  symbols: Symbols,
  name: ts.Identifier | ts.MemberName,
  way: number,
): string | undefined {
  if (way > longestWay) return undefined;
  const imported = importOf(symbols.checker.getSymbolAtLocation(name)?.declarations?.[0]);
  if (imported !== undefined && !imported.startsWith(".")) {
    // A path alias for a file of the project is not a package.
    const declaration = symbols.symbolOf(name)?.declarations?.[0];
    const isOwn =
      importOf(declaration) === undefined &&
      symbols.project.files.some(({ source }) => source === declaration?.getSourceFile());
    if (!isOwn) return imported;
  }
  for (const declaration of symbols.symbolOf(name)?.declarations ?? []) {
    const typed =
      ts.isVariableDeclaration(declaration) ||
      ts.isParameter(declaration) ||
      ts.isPropertyDeclaration(declaration) ||
      ts.isPropertySignature(declaration);
    if (!typed) continue;
    const ofType =
      declaration.type === undefined ? undefined : libraryOfType(symbols, declaration.type, way);
    if (ofType !== undefined) return ofType;
    if (!ts.isPropertySignature(declaration) && declaration.initializer !== undefined) {
      const from = libraryOf(symbols, declaration.initializer, way + 1);
      if (from !== undefined) return from;
    }
  }
  return undefined;
}

/** `Pool | PoolClient`, `Kysely<Tables>` */
function libraryOfType(symbols: Symbols, type: ts.TypeNode, way: number): string | undefined {
  if (ts.isUnionTypeNode(type) || ts.isIntersectionTypeNode(type)) {
    for (const part of type.types) {
      const from = libraryOfType(symbols, part, way);
      if (from !== undefined) return from;
    }
    return undefined;
  }
  if (ts.isTypeQueryNode(type))
    return ts.isIdentifier(type.exprName) ? ofName(symbols, type.exprName, way + 1) : undefined;
  if (!ts.isTypeReferenceNode(type)) return undefined;
  const name = ts.isIdentifier(type.typeName) ? type.typeName : type.typeName.left;
  return ts.isIdentifier(name) ? ofName(symbols, name, way + 1) : undefined;
}

function importOf(declaration: ts.Declaration | undefined): string | undefined {
  const from =
    declaration === undefined || isFunctionNode(declaration)
      ? undefined
      : ts.findAncestor(declaration, ts.isImportDeclaration);
  return from !== undefined && ts.isStringLiteral(from.moduleSpecifier)
    ? from.moduleSpecifier.text
    : undefined;
}

/** Whether another call follows: `.selectAll()` after `.selectFrom("leads")`. */
function isContinued(call: ts.CallExpression): boolean {
  const { parent } = call;
  if (ts.isCallExpression(parent)) return parent.expression === call;
  return ts.isPropertyAccessExpression(parent) && ts.isCallExpression(parent.parent);
}

/** The object at the beginning of a chain of calls. */
function rootOf(expression: ts.Expression): ts.Expression | undefined {
  const inner = unwrap(expression);
  if (ts.isCallExpression(inner)) return rootOf(inner.expression);
  if (ts.isPropertyAccessExpression(inner))
    return inner.expression.kind === ts.SyntaxKind.ThisKeyword ? inner : rootOf(inner.expression);
  return ts.isIdentifier(inner) ? inner : undefined;
}

/** Functions that are imported from a package create clients and tables; they do not query. */
function isImported({ checker }: Symbols, root: ts.Expression): boolean {
  const imported = ts.isIdentifier(root)
    ? importOf(checker.getSymbolAtLocation(root)?.declarations?.[0])
    : undefined;
  return imported !== undefined && isOther(imported);
}

function isOther(imported: string): boolean {
  return others.some(([pattern]) => pattern.test(imported));
}
