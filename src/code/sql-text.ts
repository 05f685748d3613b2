import ts from "typescript";
import { annotationFor } from "./annotation.ts";
import { placeOf, type Surroundings } from "./chain.ts";
import type { SqlText } from "./entry.ts";
import type { Symbols } from "./symbols.ts";
import { heldBy, methodOf, propertyOf, unwrap } from "./syntax.ts";

const statement = /^\s*(?:\/\*.*?\*\/\s*)?(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|TRUNCATE)\b/is;
const named =
  /\b(?:FROM|JOIN|INTO|UPDATE|TRUNCATE(?:\s+TABLE)?)\s+(?:ONLY\s+)?((?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)(?:\.(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*))?)/gi;

/** SQL that a driver is handed: `pool.query("…")`, `pool.query({ text })`, `client.unsafe("…")`. */
export function sqlTextFrom(
  { symbols, tables, annotations, file }: Surroundings,
  call: ts.CallExpression,
): SqlText | undefined {
  const name = methodOf(call)?.name;
  const [argument] = call.arguments;
  if (argument === undefined || name === undefined) return undefined;
  if (!["query", "queryArray", "queryObject", "unsafe", "execute"].includes(name)) return undefined;
  const text = textOf(symbols, argument);
  if (text === undefined || !statement.test(text)) return undefined;
  return {
    kind: "sql",
    place: placeOf(file, call),
    part: file.part,
    node: call,
    annotation: annotationFor(annotations, file, call),
    text,
    relations: relationsIn(text).map(([schema, table]) => tables.relationOf(table, schema)),
  };
}

/** The tables that a statement names, as PostgreSQL folds them. */
function relationsIn(text: string): (readonly [string | undefined, string])[] {
  return [...text.matchAll(named)].map(([, name = ""]) => {
    const parts = [...name.matchAll(/"((?:[^"]|"")+)"|([\w$]+)/g)].map(([, quoted, plain = ""]) =>
      quoted === undefined ? plain.toLowerCase() : quoted.replaceAll('""', '"'),
    );
    const [first = "", second] = parts;
    return second === undefined ? [undefined, first] : [first, second];
  });
}

/** A text with what is put into it left out. */
function textOf(symbols: Symbols, expression: ts.Expression): string | undefined {
  const inner = unwrap(expression);
  if (ts.isStringLiteralLike(inner)) return inner.text;
  if (ts.isTemplateExpression(inner))
    return [inner.head.text, ...inner.templateSpans.map(({ literal }) => literal.text)].join(
      " $0 ",
    );
  if (ts.isTaggedTemplateExpression(inner)) return textOf(symbols, inner.template);
  if (ts.isBinaryExpression(inner) && inner.operatorToken.kind === ts.SyntaxKind.PlusToken)
    return [inner.left, inner.right].map((side) => textOf(symbols, side) ?? " $0 ").join("");
  if (ts.isObjectLiteralExpression(inner)) {
    const property = propertyOf(inner, "text");
    const value = property === undefined ? undefined : heldBy(property);
    return value === undefined ? undefined : textOf(symbols, value);
  }
  if (!ts.isIdentifier(inner)) return undefined;
  const [declaration] = symbols.symbolOf(inner)?.declarations ?? [];
  return declaration !== undefined &&
    ts.isVariableDeclaration(declaration) &&
    declaration.initializer !== undefined
    ? textOf(symbols, declaration.initializer)
    : undefined;
}
