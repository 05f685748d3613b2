import { existsSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { AppError } from "../errors.ts";
import { type RunName, stageNames } from "../steps/model/stage.ts";

const costSchema = z.object({ milliseconds: z.number(), grownBytes: z.number().nullable() });

const stepSchema = z.object({
  id: z.string(),
  lock: z.string(),
  /** The cost on the copy. */
  measured: costSchema,
  /** The predicted cost on the database itself. */
  predicted: costSchema,
});

const failureSchema = z.object({
  code: z.string(),
  object: z.string(),
  fault: z.string(),
  details: z.array(z.string()),
});

const stageSchema = z.object({
  stage: z.enum(stageNames),
  /** The digest of the rehearsed plan; the result is not valid for another plan. */
  planDigest: z.string(),
  steps: z.array(stepSchema),
  /** Steps and verification, without the backup. */
  milliseconds: z.number(),
  predictedMilliseconds: z.number(),
  failure: failureSchema.nullable(),
});

export const rehearsalSchema = z.object({
  format: z.literal(1),
  madeAt: z.iso.datetime(),
  database: z.object({ name: z.string(), system: z.string() }),
  /** The copy that the rehearsal ran on. */
  copy: z.string(),
  server: z.string(),
  stages: z.array(stageSchema),
  rollback: z.object({ milliseconds: z.number(), failure: failureSchema.nullable() }),
  application: z.object({
    writes: z.number(),
    failed: z.number(),
    failures: z.array(z.string()),
    longestWaitInMilliseconds: z.number(),
    p99InMilliseconds: z.number(),
    notWritten: z.array(z.string()),
  }),
});

/** What the stages took on a copy, and what they are predicted to take on the database. */
export type Rehearsal = z.output<typeof rehearsalSchema>;

export type RehearsedStage = Rehearsal["stages"][number];

const namePattern = /^rehearsal-.*\.json$/;

/** Saves a rehearsal in the folder of backups. */
export async function keepRehearsal(folder: string, rehearsal: Rehearsal): Promise<string> {
  const name = `rehearsal-${rehearsal.madeAt.replaceAll(/[-:]|\.\d+/g, "")}.json`;
  const file = path.join(folder, name);
  await writeFile(file, `${JSON.stringify(rehearsal, undefined, 2)}\n`, { mode: 0o600 });
  return file;
}

/**
 * The latest rehearsal of the same plan of a stage on this database, or undefined.
 * @throws AppError REHEARSAL_UNREADABLE naming a file that cannot be read
 */
export async function findRehearsal(
  folder: string,
  wanted: {
    readonly stage: RunName;
    readonly planDigest: string;
    readonly database: Rehearsal["database"];
  },
): Promise<RehearsedStage | undefined> {
  // If it is a file, the backup refuses it.
  if (!existsSync(folder) || !(await stat(folder)).isDirectory()) return undefined;
  const names = (await readdir(folder)).filter((name) => namePattern.test(name)).sort();
  for (const name of names.reverse()) {
    const { database, stages } = await readRehearsal(path.join(folder, name));
    if (database.name !== wanted.database.name || database.system !== wanted.database.system) {
      continue;
    }
    const found = stages.find(
      ({ stage, planDigest }) => stage === wanted.stage && planDigest === wanted.planDigest,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

async function readRehearsal(file: string): Promise<Rehearsal> {
  try {
    return rehearsalSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new AppError({
      code: "REHEARSAL_UNREADABLE",
      object: file,
      fault: "is not a rehearsal that this version of Tenantry can read",
      state: "nothing was changed",
      next: "remove the file; if you want its predictions, run tenantry rehearse again",
      details: error instanceof z.ZodError ? z.prettifyError(error).split("\n") : [error.message],
      cause: error,
    });
  }
}
