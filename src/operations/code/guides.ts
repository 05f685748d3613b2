import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { AppError, messageOf } from "../../errors.ts";
import { type Guide, guidesFor } from "../../guides/guides.ts";
import type { CodeContext } from "./context.ts";

/** What becomes of a guide: one that was edited by hand is not overwritten. */
export type GuideFate = "new" | "updated" | "the same" | "edited";

export type WrittenGuides = {
  readonly folder: string;
  readonly files: readonly { readonly file: string; readonly fate: GuideFate }[];
};

/**
 * Generates the documents of Day 3 from the configuration alone.
 * @param request the folder, relative to the configuration's; and whether to write the files
 * @throws AppError CODE_NOT_WRITTEN
 */
export async function writeGuides(
  { settings, folder }: CodeContext,
  request: { readonly folder: string; readonly write: boolean },
): Promise<WrittenGuides> {
  const place = path.resolve(folder, request.folder);
  const planned = await Promise.all(
    guidesFor(settings).map(async (guide) => ({ guide, fate: await fateOf(place, guide) })),
  );
  if (request.write) {
    for (const { guide, fate } of planned) {
      if (fate === "new" || fate === "updated") await write(place, guide);
    }
  }
  return { folder: place, files: planned.map(({ guide, fate }) => ({ file: guide.file, fate })) };
}

const mark = /\n<!-- Made by tenantry guides\. Digest: ([0-9a-f]{64}) -->\n$/;

function signed(text: string): string {
  const digest = createHash("sha256").update(text).digest("hex");
  return `${text}\n<!-- Made by tenantry guides. Digest: ${digest} -->\n`;
}

async function fateOf(folder: string, { file, text }: Guide): Promise<GuideFate> {
  const there = await readFile(path.join(folder, file), "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
  if (there === undefined) return "new";
  if (there === signed(text)) return "the same";
  return there === signed(there.replace(mark, "")) ? "updated" : "edited";
}

async function write(folder: string, { file, text }: Guide): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, file), signed(text));
  } catch (error) {
    throw new AppError({
      code: "CODE_NOT_WRITTEN",
      object: path.join(folder, file),
      fault: `cannot be written: ${messageOf(error)}`,
      state: "the guides before it were written",
      next: "fix the problem above, or name another folder with --folder",
      cause: error,
    });
  }
}
