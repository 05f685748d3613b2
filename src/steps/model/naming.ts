import { createHash } from "node:crypto";
import { v5 as uuidFromName } from "uuid";
import { longestNameInBytes } from "../../postgres/sql.ts";

/**
 * A PostgreSQL name made of parts, the middle one cut where the whole would be over 63 bytes. What
 * is cut is replaced by a digest of it, so that two long names never become the same.
 */
export function nameFor(before: string, middle: string, after: string): string {
  const whole = `${before}${middle}${after}`;
  if (Buffer.byteLength(whole) <= longestNameInBytes) return whole;
  const digest = digestOf(middle);
  const room = longestNameInBytes - Buffer.byteLength(`${before}~${digest}${after}`);
  let kept = "";
  for (const character of middle) {
    if (Buffer.byteLength(kept + character) > room) break;
    kept += character;
  }
  return `${before}${kept}~${digest}${after}`;
}

/** The same without anything before it, and with a number behind it where that is taken. */
export function freeName(middle: string, after: string, taken: readonly string[]): string {
  for (let number = 1; ; number += 1) {
    const name = nameFor("", middle, number === 1 ? after : `${after}_${number}`);
    if (!taken.includes(name)) return name;
  }
}

/** Eight hexadecimal digits that tell one text from another. */
export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

const organizations = "a59b1c3e-6a0f-5d0e-8b4c-0d9f5c2f7e11";

/**
 * The id of an organization that the configuration names. It follows from the slug alone, so that a
 * plan is the same twice, and `ADD COLUMN … DEFAULT` can have it before the organization exists.
 */
export function organizationId(slug: string): string {
  return uuidFromName(slug, organizations);
}
