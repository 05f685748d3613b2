import ts from "typescript";
import { annotationFor } from "./annotation.ts";
import { placeOf, type Surroundings } from "./chain.ts";
import type { SqlText } from "./entry.ts";
import { libraryOf } from "./library.ts";
import { relationsNamed, relationsWritten, statementsOf } from "./sql-statement.ts";
import { textsOf } from "./sql-variants.ts";
import { methodOf, shortText, unwrap } from "./syntax.ts";
import type { TenantTables } from "./tenant-tables.ts";

const statement =
  /^(?:\s|--[^\n]*\n|\/\*.*?\*\/)*(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|TRUNCATE|COPY)\b/is;
/** What drivers, and the ways round query builders, take a text by. */
const methods = new Set([
  ..."query queryArray queryObject queryStream unsafe execute raw".split(" "),
  ..."$queryRawUnsafe $executeRawUnsafe any many manyOrNone one oneOrNone none".split(" "),
]);
const drivers = /^(pg|pg-pool|postgres|pg-promise|@neondatabase\/serverless|@vercel\/postgres)$/;

/** SQL that a driver is handed: `pool.query("…")`, `pool.query({ text })`, `client.unsafe("…")`. */
export function sqlTextFrom(around: Surroundings, call: ts.CallExpression): SqlText | undefined {
  const method = methodOf(call);
  const [argument] = call.arguments;
  if (argument === undefined || method === undefined || !methods.has(method.name)) return undefined;
  // It is found by itself.
  if (ts.isTaggedTemplateExpression(unwrap(argument))) return undefined;
  const texts = textsOf(around.symbols, argument);
  if (texts !== undefined) {
    return texts.some((text) => statement.test(text)) ? entryOf(around, call, texts) : undefined;
  }
  const isDriver = drivers.test(libraryOf(around.symbols, method.on) ?? "");
  return isDriver && method.name === "query"
    ? { ...entryOf(around, call, []), unread: shortText(argument) }
    : undefined;
}

/** SQL in a tagged template: `` sql`SELECT …` ``, `` prisma.$queryRaw`SELECT …` ``. */
export function taggedSqlFrom(
  around: Surroundings,
  tagged: ts.TaggedTemplateExpression,
): SqlText | undefined {
  const texts = textsOf(around.symbols, tagged);
  if (texts === undefined || !texts.some((text) => statement.test(text))) return undefined;
  const entry = entryOf(around, tagged, texts);
  // A style sheet may begin with `select`, too.
  const isSql = /sql|query|execute|raw/i.test(tagged.tag.getText());
  return isSql || entry.unread === undefined || entry.relations.length > 0 ? entry : undefined;
}

function entryOf(
  { tables, annotations, file }: Surroundings,
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
