import { z } from "zod";
import { longestNameInBytes, type RelationName } from "../postgres/sql.ts";

/** A table as it is written in the configuration; see `parseRelationName`. */
export const relationText = z.string().min(1);

/** A PostgreSQL name as it is stored: any characters, 1 to 63 bytes, no NUL. */
export const nameSchema = z
  .string()
  .min(1, "a name cannot be empty")
  .refine((name) => !name.includes("\0"), "a PostgreSQL name cannot contain a NUL byte")
  .refine(
    (name) => Buffer.byteLength(name) <= longestNameInBytes,
    `a PostgreSQL name has at most ${longestNameInBytes} bytes`,
  );

/** A relation's schema and name, as the catalog or the journal has them. */
export const relationNameSchema = z.object({ schema: z.string(), name: z.string() });

const quotedPart = /^"(?:[^"]|"")+"/;
const plainPart = /^[^".][^.]*/;

/**
 * Reads `name`, `schema.name`, or either part in double quotes as PostgreSQL writes it
 * (`"Order.Lines"`, `crm."he said ""hi"""`). Outside quotes, upper case is kept.
 * @returns undefined if the text is not such a name
 */
export function parseRelationName(text: string, schema: string): RelationName | undefined {
  const parts: string[] = [];
  let rest = text;
  for (;;) {
    const part = (quotedPart.exec(rest) ?? plainPart.exec(rest))?.[0];
    if (part === undefined) return undefined;
    parts.push(part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part);
    rest = rest.slice(part.length);
    if (rest === "") break;
    if (!rest.startsWith(".")) return undefined;
    rest = rest.slice(1);
  }
  if (parts.some((part) => !nameSchema.safeParse(part).success)) return undefined;
  const [first, second] = parts;
  if (first === undefined || parts.length > 2) return undefined;
  return second === undefined ? { schema, name: first } : { schema: first, name: second };
}

/** The shortest text that `parseRelationName` reads back as the same relation. */
export function formatRelationName(relation: RelationName, schema: string): string {
  const part = (name: string) =>
    name.includes(".") || name.startsWith('"') ? `"${name.replaceAll('"', '""')}"` : name;
  return relation.schema === schema
    ? part(relation.name)
    : `${part(relation.schema)}.${part(relation.name)}`;
}

/** A key for a relation in maps and sets; not for SQL. */
export function relationKey(relation: RelationName): string {
  return JSON.stringify([relation.schema, relation.name]);
}
