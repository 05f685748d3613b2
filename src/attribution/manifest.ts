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
import { type StageName, stageNames } from "../steps/model/stage.ts";

const tableSchema = z.object({
  schema: z.string(),
  name: z.string(),
  rows: z.number(),
  kept: z.discriminatedUnion("kind", [
    /** A row's key and its organization, as COPY writes them, packed by gzip. */
    z.object({ kind: z.literal("rows"), key: z.tuple([z.string()], z.string()), file: z.string() }),
    /** Every row was the default organization's, which the column's default gives them again. */
    z.object({ kind: z.literal("default") }),
    /** Nothing tells a row of it from another. */
    z.object({ kind: z.literal("no key") }),
  ]),
});

export const attributionSchema = z.object({
  format: z.literal(1),
  kind: z.literal("attribution"),
  stage: z.enum(stageNames),
  madeAt: z.iso.datetime(),
  database: z.object({ name: z.string(), system: z.string() }),
  /** Whether organizations and memberships are in it: Day 1's rollback drops them. */
  organizations: z.boolean(),
  tables: z.array(tableSchema),
  files: z.array(fileSchema),
});

/** What a rollback would have lost: organizations, memberships, and which row was whose. */
export type Attribution = z.output<typeof attributionSchema>;

export const organizationsFile = "organizations.json";
export const membershipsFile = "memberships.json";

/**
 * Reads what a rollback kept, and compares every file with its manifest.
 * @throws AppError ATTRIBUTION_REFUSED naming what is wrong with it
 */
export async function readAttribution(
  folder: string,
  wanted: { readonly stage: StageName; readonly database: Attribution["database"] },
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
  if (stage !== wanted.stage) faults.push(`it is of ${stage}, not of ${wanted.stage}`);
  if (database.name !== wanted.database.name || database.system !== wanted.database.system) {
    faults.push(`it is of another database: ${database.name}`);
  }
  if (faults.length > 0) throw refused(folder, "is not what a rollback of this stage kept", faults);
  return attribution;
}

/** What is read of it; no other file is, wherever its tables say that theirs are. */
function filesNeeded({ organizations, tables }: Attribution): string[] {
  const rows = tables.flatMap(({ kept }) => (kept.kind === "rows" ? [kept.file] : []));
  return organizations ? [organizationsFile, membershipsFile, ...rows] : rows;
}

async function parse(folder: string): Promise<Attribution> {
  if (path.resolve(folder).endsWith(partialSuffix)) {
    throw refused(folder, "is an attempt that was not finished", []);
  }
  try {
    const text = await readFile(path.join(folder, manifestName), "utf8");
    return attributionSchema.parse(JSON.parse(text));
  } catch (error) {
    throw refused(folder, "has no manifest that can be read", whyUnreadable(error));
  }
}

/** The error for a folder whose attribution cannot be given back. */
export function refused(folder: string, fault: string, details: readonly string[]): AppError {
  return new AppError({
    code: "ATTRIBUTION_REFUSED",
    object: folder,
    fault,
    state: "nothing was changed",
    next: "name the folder that tenantry rollback said; without --attribution, rows go by their source",
    details,
  });
}
