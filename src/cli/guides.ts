import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { AppError } from "../errors.ts";
import { type Guide, guidesFor } from "../guides/guides.ts";
import { withCode } from "./code-place.ts";
import type { GlobalOptions } from "./options.ts";

export type GuidesOptions = GlobalOptions & {
  /** Writes the files, instead of saying what would become of them. */
  readonly write: boolean;
  /** Where they go, from the configuration's folder. */
  readonly folder: string;
};

/** What becomes of a guide: one that somebody edited stays theirs. */
type Fate = "new" | "updated" | "the same" | "edited";

/** `tenantry guides`: the documents of Day 3, from the configuration alone. */
export function guides(options: GuidesOptions): Promise<void> {
  return withCode(options, async ({ settings, folder, output }) => {
    const place = path.resolve(folder, options.folder);
    const planned = await Promise.all(
      guidesFor(settings).map(async (guide) => ({ guide, fate: await fateOf(place, guide) })),
    );
    if (options.write) {
      for (const { guide, fate } of planned) {
        if (fate === "new" || fate === "updated") await write(place, guide);
      }
    }
    await output.show(
      {
        kind: "guides",
        written: options.write,
        folder: place,
        files: planned.map(({ guide, fate }) => ({ file: guide.file, fate })),
      },
      () =>
        `${planned.map(({ guide, fate }) => `${wordsFor(fate, options.write)}: ${path.join(options.folder, guide.file)}\n`).join("")}`,
    );
  });
}

function wordsFor(fate: Fate, written: boolean): string {
  switch (fate) {
    case "new":
    case "updated":
      return written ? (fate === "new" ? "written" : "written anew") : `${fate}, with --write`;
    case "the same":
      return "as it is";
    case "edited":
      return "edited by somebody, and left to them";
    default:
      return fate satisfies never;
  }
}

const mark = /\n<!-- Made by tenantry guides\. Digest: ([0-9a-f]{64}) -->\n$/;

function signed(text: string): string {
  const digest = createHash("sha256").update(text).digest("hex");
  return `${text}\n<!-- Made by tenantry guides. Digest: ${digest} -->\n`;
}

async function fateOf(folder: string, { file, text }: Guide): Promise<Fate> {
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
      fault: `cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      state: "the guides before it are written",
      next: "mend that, or name another folder with --folder",
      cause: error,
    });
  }
}
