import {
  compareFingerprints,
  describeDifference,
  readFingerprint,
} from "../catalog/fingerprint.ts";
import { openSession, type Target } from "../postgres/connection.ts";
import { compareContents, dumpedTables, readContents, stableText } from "./contents.ts";
import type { OpenBackup } from "./open.ts";

/**
 * Compares what was restored with what the backup says it holds: schema, counts and checksums.
 * @returns the differences, in words; none where they are the same
 */
export async function compareWithBackup(
  { manifest, fingerprint }: OpenBackup,
  target: Target,
): Promise<string[]> {
  const session = await openSession(target, "tenantry restore", {
    statement_timeout: "0",
    row_security: "off",
    ...stableText,
  });
  try {
    return await session.transaction(async (queries) => {
      const restored = await readFingerprint(queries);
      const contents = await readContents(queries, await dumpedTables(queries));
      return [
        ...compareFingerprints(fingerprint, restored)
          .filter((found) => found.kind !== "changed" || !isPrintedAnew(found.before, found.after))
          .map(describeDifference),
        ...compareContents(manifest.contents, contents).map(
          ({ object, difference }) => `${object} ${difference}`,
        ),
      ];
    }, "read only snapshot");
  } finally {
    await session.close();
  }
}

/**
 * PostgreSQL prints `x IN ('a', 'b')` over a varchar as a cast of the array, reads that, and from
 * then on prints an array of casts: the same condition, which a restore alone changes.
 */
function isPrintedAnew(before: string, after: string): boolean {
  return castElements(before) === castElements(after);
}

function castElements(definition: string): string {
  return definition.replaceAll(
    /\(ARRAY\[((?:'(?:[^']|'')*'::[\w ]+(?:\(\d+\))?(?:, )?)+)\]\)::([\w ]+)\[\]/g,
    (_whole, elements: string, type: string) => {
      const casts = [...elements.matchAll(/'(?:[^']|'')*'::[\w ]+(?:\(\d+\))?/g)];
      return `ARRAY[${casts.map(([element]) => `(${element})::${type}`).join(", ")}]`;
    },
  );
}
