import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { describeFiles, manifestName } from "../../src/backup/folder/manifest.ts";

/** A manifest, whatever somebody has made of it. */
export type Manifest = Record<string, unknown>;

export async function changeManifest(folder: string, change: (manifest: Manifest) => unknown) {
  const file = path.join(folder, manifestName);
  const manifest = z
    .record(z.string(), z.unknown())
    .parse(JSON.parse(await readFile(file, "utf8")));
  await writeFile(file, JSON.stringify(change(manifest)));
}

/** As somebody would who wants a backup to be believed. */
export async function signAgain(folder: string) {
  const files = await describeFiles(folder);
  await changeManifest(folder, (manifest) => ({ ...manifest, files }));
}
