import { createHash } from "node:crypto";
import { v5 as uuidFromName } from "uuid";
import { longestNameInBytes } from "../../postgres/sql.ts";

/**
 * A PostgreSQL name made of three parts. Where it would have more than 63 bytes, the middle part is cut
 * and a digest of it added, so that two long names stay different.
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

/** The same without the first part, and with a number at its end where the name is taken. */
export function freeName(middle: string, after: string, taken: readonly string[]): string {
  for (let number = 1; ; number += 1) {
    const name = nameFor("", middle, number === 1 ? after : `${after}_${number}`);
    if (!taken.includes(name)) return name;
  }
}

/** A digest of eight hexadecimal digits. */
export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

const organizations = "a59b1c3e-6a0f-5d0e-8b4c-0d9f5c2f7e11";

/**
 * The id of an organization that the configuration names. It follows from the slug alone, so that a
 * plan is deterministic, and `ADD COLUMN … DEFAULT` can use it before the organization exists.
 */
export function organizationId(slug: string): string {
  return uuidFromName(slug, organizations);
}
