import {
  compareFingerprints,
  describeDifference,
  type FingerprintDifference,
  readFingerprint,
} from "../../catalog/fingerprint/fingerprint.ts";
import { samePrinted } from "../../catalog/fingerprint/printed-anew.ts";
import { describeUnknownOptions } from "../../catalog/fingerprint/unknown-options.ts";
import type { Target } from "../../postgres/connection.ts";
import { sessionSettings } from "../../postgres/session-settings.ts";
import { withSession } from "../../postgres/sessions.ts";
import { compareContents, dumpedTables, readContents, stableText } from "../dump/contents.ts";
import type { OpenBackup } from "../folder/open.ts";

/**
 * Compares what was restored with what the backup says it holds: schema, counts and checksums.
 * @param say is told what of the schema was not compared, where there is such
 * @returns the differences, in words; none where they are the same
 */
export function compareWithBackup(
  { manifest, fingerprint }: OpenBackup,
  target: Target,
  say?: (notCompared: string) => void,
): Promise<string[]> {
  const settings = { ...sessionSettings, row_security: "off", ...stableText };
  return withSession(target, "tenantry restore", settings, (session) =>
    session.transaction(async (queries) => {
      const restored = await readFingerprint(queries);
      const notCompared = await describeUnknownOptions(queries);
      if (notCompared !== undefined) say?.(notCompared);
      const contents = await readContents(queries, await dumpedTables(queries));
      return [
        ...compareFingerprints(fingerprint, restored)
          .filter((found) => !isOfTheDump(found))
          .map(describeDifference),
        ...compareContents(manifest.contents, contents).map(
          ({ object, difference }) => `${object} ${difference}`,
        ),
      ];
    }, "read only snapshot"),
  );
}

/** Whether the dump itself makes it so, and nothing of the backup is lost. */
function isOfTheDump(found: FingerprintDifference): boolean {
  switch (found.kind) {
    case "missing":
      return isInvalidIndex(found);
    case "changed":
      return samePrinted(castElements(found.before), castElements(found.after));
    case "added":
      return false;
    default:
      return found satisfies never;
  }
}

/** pg_dump leaves out what a failed build left, but for the index of a partitioned table (ON ONLY). */
function isInvalidIndex({ object, before }: { object: string; before: string }): boolean {
  return (
    object.startsWith("index ") && before.endsWith(" (invalid)") && !before.includes(" ON ONLY ")
  );
}

/**
 * PostgreSQL prints `x IN ('a', 'b')` over a varchar as a cast of the array, reads that, and from
 * then on prints an array of casts: the same condition, which a restore alone changes.
 */
function castElements(definition: string): string {
  return definition.replaceAll(
    /\(ARRAY\[((?:'(?:[^']|'')*'::[\w ]+(?:\(\d+\))?(?:, )?)+)\]\)::([\w ]+)\[\]/g,
    (_whole, elements: string, type: string) => {
      const casts = [...elements.matchAll(/'(?:[^']|'')*'::[\w ]+(?:\(\d+\))?/g)];
      return `ARRAY[${casts.map(([element]) => `(${element})::${type}`).join(", ")}]`;
    },
  );
}
