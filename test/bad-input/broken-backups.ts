import { appendFile, mkdir, readdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { manifestName } from "../../src/backup/folder/manifest.ts";
import type { ErrorCode } from "../../src/errors.ts";
import { changeManifest, signAgain } from "./edited-manifest.ts";

async function dumpOf(folder: string): Promise<string> {
  const [data] = (await readdir(path.join(folder, "content/dump"))).filter((name) =>
    /^\d+\.dat/.test(name),
  );
  if (data === undefined) throw new Error("there is no data in the dump");
  return path.join(folder, "content/dump", data);
}

type Breakage = readonly [
  what: string,
  change: (folder: string) => Promise<unknown>,
  says: RegExp,
  code?: ErrorCode,
];

const inManifest = /has no readable manifest/;
const changed = /differs from its manifest/;

/** What can become of a backup, what is said of it then. */
export const brokenBackups: readonly Breakage[] = [
  ["is not there", (folder) => rm(folder, { recursive: true }), inManifest],
  [
    "is a file",
    async (folder) => {
      await rm(folder, { recursive: true });
      await writeFile(folder, "x");
    },
    inManifest,
  ],
  [
    "is an empty folder",
    async (folder) => {
      await rm(folder, { recursive: true });
      await mkdir(folder);
    },
    inManifest,
  ],
  [
    "is a link to nowhere",
    async (folder) => {
      await rm(folder, { recursive: true });
      await symlink("/nowhere", folder);
    },
    inManifest,
  ],
  [
    "has a folder for its manifest",
    async (folder) => {
      await rm(path.join(folder, manifestName));
      await mkdir(path.join(folder, manifestName));
    },
    inManifest,
  ],
  ["has no manifest", (folder) => rm(path.join(folder, manifestName)), inManifest],
  ["has an empty manifest", (folder) => truncate(path.join(folder, manifestName)), inManifest],
  [
    "has a manifest that is cut off",
    (folder) => truncate(path.join(folder, manifestName), 100),
    inManifest,
  ],
  ["has a manifest that is null", (folder) => changeManifest(folder, () => null), inManifest],
  ["has a manifest that is a list", (folder) => changeManifest(folder, () => []), inManifest],
  [
    "has a manifest of another format",
    (folder) => changeManifest(folder, (own) => ({ ...own, format: 2 })),
    inManifest,
  ],
  [
    "has a manifest of a stage that is none",
    (folder) => changeManifest(folder, (own) => ({ ...own, stage: "day9" })),
    inManifest,
  ],
  [
    "has a manifest without its contents",
    (folder) => changeManifest(folder, ({ contents: _, ...own }) => own),
    inManifest,
  ],
  [
    "has a manifest with wrong digests",
    (folder) =>
      changeManifest(folder, (own) => ({ ...own, files: [{ path: "x", bytes: 1, sha256: "no" }] })),
    inManifest,
  ],
  [
    "has a manifest that names files elsewhere",
    (folder) =>
      changeManifest(folder, (own) => ({
        ...own,
        files: [{ path: "../../etc/passwd", bytes: 1, sha256: "0".repeat(64) }],
      })),
    changed,
  ],
  [
    "has a manifest that names no files",
    (folder) => changeManifest(folder, (own) => ({ ...own, files: [] })),
    changed,
  ],
  ["lacks a file of the dump", async (folder) => rm(await dumpOf(folder)), changed],
  [
    "has a file of the dump that is cut off",
    async (folder) => truncate(await dumpOf(folder), 5),
    changed,
  ],
  [
    "has a file of the dump that is longer",
    async (folder) => appendFile(await dumpOf(folder), "x"),
    changed,
  ],
  ["has a file too many", (folder) => writeFile(path.join(folder, "content/extra"), "x"), changed],
  [
    "has a link for a file",
    async (folder) => {
      const file = await dumpOf(folder);
      await rm(file);
      await symlink("/etc/passwd", file);
    },
    changed,
  ],
  [
    "lacks its roles, and says so",
    async (folder) => {
      await rm(path.join(folder, "content/globals.json"));
      await signAgain(folder);
    },
    /has no readable content\/globals\.json/,
  ],
  [
    "has roles that are none, and says so",
    async (folder) => {
      await writeFile(path.join(folder, "content/globals.json"), "{}");
      await signAgain(folder);
    },
    /has no readable content\/globals\.json/,
  ],
  [
    "has a fingerprint that is cut off, and says so",
    async (folder) => {
      await truncate(path.join(folder, "content/fingerprint.json"), 50);
      await signAgain(folder);
    },
    /has no readable content\/fingerprint\.json/,
  ],
];
