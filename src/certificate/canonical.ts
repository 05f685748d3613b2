import { createHash } from "node:crypto";

/**
 * JSON in one form only: names in the order of their UTF-16 code units, and no white space. Of the
 * texts, whole numbers, lists and objects of a certificate, it is the form of RFC 8785.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, of]) => `${JSON.stringify(name)}:${canonicalJson(of)}`).join(",")}}`;
}

/** SHA-256 of the canonical form, in hexadecimal digits. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}
