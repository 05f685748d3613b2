import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import {
  compareFiles,
  fileSchema,
  manifestName,
  partialSuffix,
  whyUnreadable,
} from "../backup/folder/manifest.ts";
import { AppError } from "../errors.ts";
import { type RunName, runNameSchema } from "../steps/model/stage.ts";

const tableSchema = z.object({
  schema: z.string(),
  name: z.string(),
  rows: z.number(),
  kept: z.discriminatedUnion("kind", [
    /** The key and the organization of each row, as COPY writes them, compressed with gzip. */
    z.object({ kind: z.literal("rows"), key: z.tuple([z.string()], z.string()), file: z.string() }),
    /** Every row belonged to the default organization, which the column's default restores. */
    z.object({ kind: z.literal("default") }),
    /** No key identifies its rows. */
    z.object({ kind: z.literal("no key") }),
  ]),
});

export const attributionSchema = z.object({
  /** In format 1, organizations and memberships are a JSON array each. */
  format: z.literal([1, 2]),
  kind: z.literal("attribution"),
  stage: runNameSchema,
  madeAt: z.iso.datetime(),
  database: z.object({ name: z.string(), system: z.string() }),
  /** Whether it has organizations and memberships: only Day 1's rollback drops them. */
  organizations: z.boolean(),
  tables: z.array(tableSchema),
  files: z.array(fileSchema),
});

/** What a rollback would lose: organizations, memberships, and the organization of each row. */
export type Attribution = z.output<typeof attributionSchema>;

/** A file with organizations or memberships. */
export type RecordsFile = {
  readonly name: string;
  /** Rows: a JSON object for each record, as COPY writes them, compressed with gzip. Array: one JSON array of all. */
  readonly form: "rows" | "array";
};

/** The files with organizations and memberships. */
export function recordFiles(format: Attribution["format"]): {
  readonly organizations: RecordsFile;
  readonly memberships: RecordsFile;
} {
  switch (format) {
    case 1:
      return {
        organizations: { name: "organizations.json", form: "array" },
        memberships: { name: "memberships.json", form: "array" },
      };
    case 2:
      return {
        organizations: { name: "organizations.copy.gz", form: "rows" },
        memberships: { name: "memberships.copy.gz", form: "rows" },
      };
    default:
      return format satisfies never;
  }
}

/**
 * Reads what a rollback saved, and compares every file with the manifest.
 * @throws AppError ATTRIBUTION_REFUSED with all faults
 */
export async function readAttribution(
  folder: string,
  wanted: { readonly stage: RunName; readonly database: Attribution["database"] },
): Promise<Attribution> {
  const attribution = await parse(folder);
  const faults = [...(await compareFiles(folder, attribution.files))];
  const { stage, database, files } = attribution;
  const listed = new Set(files.map((file) => file.path));
  faults.push(
    ...filesNeeded(attribution)
      .filter((file) => !listed.has(file))
      .map((file) => `missing: ${file}`),
  );
  if (stage !== wanted.stage)
    faults.push(`it was saved by a rollback of ${stage}, not of ${wanted.stage}`);
  if (database.name !== wanted.database.name || database.system !== wanted.database.system) {
    faults.push(`it was saved from another database: ${database.name}`);
  }
  if (faults.length > 0)
    throw refused(folder, "does not match what a rollback of this stage saved", faults);
  return attribution;
}

/** The files that are read; a file that is not in the manifest is never read. */
function filesNeeded({ format, organizations, tables }: Attribution): string[] {
  const rows = tables.flatMap(({ kept }) => (kept.kind === "rows" ? [kept.file] : []));
  const records = recordFiles(format);
  return organizations ? [records.organizations.name, records.memberships.name, ...rows] : rows;
}

async function parse(folder: string): Promise<Attribution> {
  if (path.resolve(folder).endsWith(partialSuffix)) {
    throw refused(folder, "is not complete: the rollback stopped while it wrote it", []);
  }
  try {
    const text = await readFile(path.join(folder, manifestName), "utf8");
    return attributionSchema.parse(JSON.parse(text));
  } catch (error) {
    throw refused(folder, "has no readable manifest", whyUnreadable(error));
  }
}

/** The error for a folder that cannot be loaded. */
export function refused(folder: string, fault: string, details: readonly string[]): AppError {
  return new AppError({
    code: "ATTRIBUTION_REFUSED",
    object: folder,
    fault,
    state: "nothing was changed",
    next: "use the folder that tenantry rollback printed; without --attribution, rows get the organization of their source",
    details,
  });
}
