import { createHash } from "node:crypto";
import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { sql } from "../../postgres/sql.ts";
import { commentEntries } from "./entries/comments.ts";
import { firstEntries } from "./entries/first.ts";
import { otherEntries } from "./entries/other-objects.ts";
import { publicationEntries, publicationEntriesSince15 } from "./entries/publications.ts";
import { relationEntries } from "./entries/relations.ts";
import { typeEntries } from "./entries/types.ts";
import { samePrinted } from "./printed-anew.ts";
import { asReadToday } from "./stored-entry.ts";

const entrySchema = z.object({ object: z.string(), definition: z.string() });

/** One object of the schema: what it is and how it is defined. */
export type FingerprintEntry = z.output<typeof entrySchema>;

export type Fingerprint = {
  /** SHA-256 over all entries. */
  readonly digest: string;
  readonly entries: readonly FingerprintEntry[];
};

/** A fingerprint from a journal or a backup, written by any version of Tenantry on any minor version. */
export const fingerprintSchema = z
  .object({ digest: z.string(), entries: z.array(entrySchema) })
  .transform(({ entries }) => ofEntries(entries.map(asReadToday)));

export type FingerprintDifference =
  | { readonly kind: "missing"; readonly object: string; readonly before: string }
  | { readonly kind: "added"; readonly object: string; readonly after: string }
  | {
      readonly kind: "changed";
      readonly object: string;
      readonly before: string;
      readonly after: string;
    };

/**
 * Reads a normalised digest of all that `pg_dump --schema-only` prints: definitions as the server prints
 * them, and documented options, but no field that the server fills for internal use. The journal's schema,
 * system schemas and objects of extensions are left out; so are oids, sizes, the attribute numbers of
 * dropped columns, and what may hold a password (options of user mappings, subscriptions).
 */
export async function readFingerprint(queries: Queries): Promise<Fingerprint> {
  const entries: FingerprintEntry[] = [secondForm];
  const [server] = await queries.rows(
    sql`SELECT current_setting('server_version_num') AS version`,
    z.object({ version: z.coerce.number() }),
  );
  const statements = [
    ...firstEntries,
    ...relationEntries,
    ...commentEntries,
    ...typeEntries,
    ...publicationEntries,
    ...((server?.version ?? 0) >= 150_000 ? publicationEntriesSince15 : []),
    ...otherEntries,
  ];
  for (const statement of statements) {
    entries.push(...(await queries.rows(statement, entrySchema)));
  }
  entries.sort((left, right) =>
    left.object < right.object ? -1 : left.object > right.object ? 1 : 0,
  );
  return ofEntries(entries);
}

/**
 * The entry that says which kinds of objects a fingerprint has. It is an entry, so that it is wherever
 * the entries are: in a journal, in a backup, in a certificate. Fingerprints of the first form lack it.
 */
const secondForm: FingerprintEntry = { object: "form of this fingerprint", definition: "2" };

const kindsOfFirstForm =
  /^(?:schema|relation|column|constraint|index|policy|trigger|rule|function|type|publication|default privileges|event trigger) /;

/** Definitions by object, without the kinds that another fingerprint does not have. */
function comparable(one: Fingerprint, other: Fingerprint): ReadonlyMap<string, string> {
  const isSecondForm = other.entries.some(({ object }) => object === secondForm.object);
  const kept = one.entries.filter(
    ({ object }) => object !== secondForm.object && (isSecondForm || kindsOfFirstForm.test(object)),
  );
  return new Map(kept.map(({ object, definition }) => [object, definition]));
}

function ofEntries(entries: readonly FingerprintEntry[]): Fingerprint {
  return { digest: digestOf(entries), entries };
}

function digestOf(entries: readonly FingerprintEntry[]): string {
  const hash = createHash("sha256");
  for (const { object, definition } of entries) hash.update(JSON.stringify([object, definition]));
  return hash.digest("hex");
}

/**
 * The differences between two fingerprints, by object. A fingerprint that an older version of Tenantry
 * stored has fewer kinds of objects: only these are compared.
 */
export function compareFingerprints(
  before: Fingerprint,
  after: Fingerprint,
): readonly FingerprintDifference[] {
  const earlier = comparable(before, after);
  const later = comparable(after, before);
  const differences: FingerprintDifference[] = [];
  for (const [object, definition] of earlier) {
    const now = later.get(object);
    if (now === undefined) differences.push({ kind: "missing", object, before: definition });
    else if (!samePrinted(definition, now))
      differences.push({ kind: "changed", object, before: definition, after: now });
  }
  for (const [object, definition] of later) {
    if (!earlier.has(object)) differences.push({ kind: "added", object, after: definition });
  }
  return differences;
}

/** A difference on one line, for people. */
export function describeDifference(difference: FingerprintDifference): string {
  switch (difference.kind) {
    case "missing":
      return `missing: ${difference.object}: ${difference.before}`;
    case "added":
      return `added: ${difference.object}: ${difference.after}`;
    case "changed":
      return `changed: ${difference.object}: ${difference.before} → ${difference.after}`;
    default:
      return difference satisfies never;
  }
}
