import type ts from "typescript";
import { type Edit, indentAt, insertion, lineEnd } from "./edit.ts";

/** Adds a last property to an object literal, in the style of the others. */
export function addLastProperty(object: ts.ObjectLiteralExpression, property: string): Edit[] {
  const source = object.getSourceFile();
  const { text } = source;
  const last = object.properties.at(-1);
  if (last === undefined) {
    const open = object.getStart() + 1;
    const close = object.getEnd() - 1;
    // A comment in empty braces stays before it.
    return text.slice(open, close).trim() === ""
      ? [{ source, at: open, until: close, text: ` ${property} ` }]
      : [insertion(source, close, `${property}${lineEnd(source)}`)];
  }
  const end = last.getEnd();
  const isOnOwnLine = text.slice(object.getStart(), last.getStart()).includes("\n");
  const closesOnOwnLine = text.slice(end, object.getEnd()).includes("\n");
  if (!isOnOwnLine || !closesOnOwnLine) return [insertion(source, end, `, ${property}`)];

  const comma = object.properties.hasTrailingComma;
  const behind = comma ? object.properties.end : end;
  // A comment after the last property stays with it.
  const rest = text.slice(behind).match(/^[^\r\n]*/)?.[0] ?? "";
  const isComment = /^\s*(\/\/.*|\/\*.*\*\/\s*)?$/.test(rest);
  const at = isComment ? behind + rest.trimEnd().length : behind;
  const line = `${lineEnd(source)}${indentAt(source, last.getStart())}${property}`;
  return comma
    ? [insertion(source, at, `${line},`)]
    : [insertion(source, end, ","), insertion(source, at, line)];
}

/** Removes a property from an object literal, with its comma and its line. */
export function removeProperty(
  object: ts.ObjectLiteralExpression,
  property: ts.ObjectLiteralElementLike,
): Edit {
  const source = object.getSourceFile();
  const { text } = source;
  const start = property.getFullStart();
  const comma = /^\s*,/.exec(text.slice(property.getEnd()))?.[0].length ?? 0;
  return { source, at: start, until: property.getEnd() + comma, text: "" };
}
