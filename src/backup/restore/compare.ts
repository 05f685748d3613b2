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
 * Compares a restored database with its backup: schema, row counts and checksums.
 * @param say gets a note if options of the schema were not compared
 * @returns the differences, in words; empty if there are none
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
          .filter((found) => !isCausedByDump(found))
          .map(describeDifference),
        ...compareContents(manifest.contents, contents).map(
          ({ object, difference }) => `${object} ${difference}`,
        ),
      ];
    }, "read only snapshot"),
  );
}

/** Whether pg_dump causes the difference, and nothing of the backup is lost. */
function isCausedByDump(found: FingerprintDifference): boolean {
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

/** pg_dump leaves out invalid indexes, except those of partitioned tables (ON ONLY). */
function isInvalidIndex({ object, before }: { object: string; before: string }): boolean {
  return (
    object.startsWith("index ") && before.endsWith(" (invalid)") && !before.includes(" ON ONLY ")
  );
}

/**
 * PostgreSQL prints `x IN ('a', 'b')` on a varchar as a cast of the array. After it has read that, it
 * prints an array of casts: a restore changes the text, and not the condition.
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
