import ts from "typescript";
import { type FileContext, placeOf } from "../queries/chain.ts";
import type { SqlText } from "../queries/inventory-entry.ts";
import { libraryOf } from "../queries/other-libraries.ts";
import type { TenantTables } from "../queries/tenant-tables.ts";
import { annotationFor } from "../reading/annotation.ts";
import type { Symbols } from "../reading/symbols.ts";
import { methodOf, shortText, unwrap } from "../reading/syntax.ts";
import { textsOf } from "../reading/text-variants.ts";
import { isOfRows, relationsNamed, relationsWritten, statementsOf } from "./statement.ts";

const statement =
  /^(?:\s|--[^\n]*\n|\/\*.*?\*\/)*(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|TRUNCATE|COPY)\b/is;
const ofRows = /\b(SELECT|INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY|TABLE)\b/i;
const otherBeginning = /^\s*(\(+\s*SELECT|BEGIN|START|DECLARE|CREATE|EXPLAIN|PREPARE|SET|LOCK)\b/i;
/** Methods of drivers and query builders that get SQL as a string. */
const methods = new Set([
  ..."query queryArray queryObject queryStream unsafe execute raw".split(" "),
  ..."$queryRawUnsafe $executeRawUnsafe any many manyOrNone one oneOrNone none".split(" "),
]);
/** Methods that get only SQL, on any object. */
const unsafe = new Set(["unsafe", "$queryRawUnsafe", "$executeRawUnsafe"]);
const drivers =
  /^(?:npm:|jsr:|https:\/\/(?:deno\.land\/x|esm\.sh)\/)?(?:pg|pg-pool|postgres|postgresjs|pg-promise|@db\/postgres|@neondatabase\/serverless|@vercel\/postgres)(?:@[^/]*)?(?:\/mod\.ts)?$/;
const takers = /sql|query|exec|fetch|select|run|db/i;

/** SQL that is passed to a driver: `pool.query("…")`, `pool.query({ text })`, or to a function of the project, `query("…")`. */
export function sqlTextFrom(context: FileContext, call: ts.CallExpression): SqlText | undefined {
  const [argument] = call.arguments;
  // A tagged template is handled separately.
  if (argument === undefined || ts.isTaggedTemplateExpression(unwrap(argument))) return undefined;
  const method = methodOf(call);
  if (method === undefined) return ofPlainCall(context, call, argument);
  if (!methods.has(method.name)) return undefined;
  const texts = textsOf(context.symbols, argument);
  if (texts !== undefined) return texts.some(isSql) ? entryOf(context, call, texts) : undefined;
  return unsafe.has(method.name) || drivers.test(libraryOf(context.symbols, method.on) ?? "")
    ? { ...entryOf(context, call, []), unread: shortText(argument) }
    : undefined;
}

/** A function may get a string that looks like SQL: `toast("Select leads from a campaign")`. */
function ofPlainCall(
  context: FileContext,
  call: ts.CallExpression,
  argument: ts.Expression,
): SqlText | undefined {
  if (!ts.isIdentifier(call.expression) || !isWrittenOut(context.symbols, argument))
    return undefined;
  const texts = textsOf(context.symbols, argument);
  if (texts === undefined || !texts.some(isSqlByCase)) return undefined;
  const entry = entryOf(context, call, texts);
  const isRead = entry.unread === undefined || takers.test(call.expression.text);
  return isRead && entry.relations.length > 0 ? entry : undefined;
}

/** SQL whose first word is upper case, or which is all lower case; a sentence is neither. */
function isSqlByCase(text: string): boolean {
  const [word = ""] = /[a-z]+/i.exec(text) ?? [];
  return (
    isSql(text) &&
    (word === word.toUpperCase() || /^\s*(select|insert|update|delete|with)\b[^A-Z]*$/.test(text))
  );
}

/** Whether a string is a literal, here or in the declaration of its name. */
function isWrittenOut(symbols: Symbols, expression: ts.Expression): boolean {
  const first = beginningOf(expression);
  if (!ts.isIdentifier(first)) return isText(first);
  const [declaration] = symbols.symbolOf(first)?.declarations ?? [];
  return (
    declaration !== undefined &&
    ts.isVariableDeclaration(declaration) &&
    declaration.initializer !== undefined &&
    isText(beginningOf(declaration.initializer))
  );
}

function isText(node: ts.Expression): boolean {
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);
}

/** The first part of a concatenation. */
function beginningOf(expression: ts.Expression): ts.Expression {
  const inner = unwrap(expression);
  return ts.isBinaryExpression(inner) ? beginningOf(inner.left) : inner;
}

/** By its first word, or else by parsing it. */
function isSql(text: string): boolean {
  if (statement.test(text)) return true;
  if (!ofRows.test(text)) return false;
  const statements = statementsOf(text);
  return statements === undefined
    ? otherBeginning.test(text) && relationsWritten(text).length > 0
    : statements.some(isOfRows) && relationsNamed(statements).length > 0;
}

/** SQL in a tagged template: `` sql`SELECT …` ``, `` prisma.$queryRaw`SELECT …` ``. */
export function taggedSqlFrom(
  context: FileContext,
  tagged: ts.TaggedTemplateExpression,
): SqlText | undefined {
  const texts = textsOf(context.symbols, tagged);
  if (texts === undefined || !texts.some(isSql)) return undefined;
  const entry = entryOf(context, tagged, texts);
  // A CSS template may begin with `select`, too.
  const isNamedSo = /sql|query|execute|raw/i.test(tagged.tag.getText());
  return isNamedSo || entry.unread === undefined || entry.relations.length > 0 ? entry : undefined;
}

function entryOf(
  { tables, annotations, file }: FileContext,
  node: ts.CallExpression | ts.TaggedTemplateExpression,
  texts: readonly string[],
): SqlText {
  const read = texts.map((text) => statementsOf(text));
  const unread = texts.find((_, index) => read[index] === undefined);
  return {
    kind: "sql",
    place: placeOf(file, node),
    part: file.part,
    node,
    annotation: annotationFor(annotations, file, node),
    text: texts[0] ?? "",
    unread: unread === undefined ? undefined : oneLine(unread),
    statements: read.flatMap((statements) => statements ?? []),
    relations: relationsIn(texts, tables),
  };
}

function relationsIn(texts: readonly string[], tables: TenantTables): SqlText["relations"] {
  const named = texts.flatMap((text) => {
    const statements = statementsOf(text);
    return statements === undefined ? relationsWritten(text) : relationsNamed(statements);
  });
  const known = new Map(named.map((one) => [`${one.schema ?? ""}.${one.name}`, one]));
  return [...known.values()].map(({ schema, name }) => tables.relationOf(name, schema));
}

function oneLine(text: string): string {
  const line = text.trim().replace(/\s+/g, " ");
  return line.length <= 60 ? line : `${line.slice(0, 59)}…`;
}
