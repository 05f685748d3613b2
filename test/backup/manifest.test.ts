import { appendFile, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import {
  describeFiles,
  type Manifest,
  manifestName,
  readManifest,
  verifyBackup,
  writeManifest,
} from "../../src/backup/folder/manifest.ts";
import { temporaryFolder } from "./temporary-folder.ts";

async function makeBackup(): Promise<{ folder: string; manifest: Manifest }> {
  const folder = path.join(await temporaryFolder(), "day1-20260102T030405Z");
  await mkdir(path.join(folder, "dump"), { recursive: true });
  await writeFile(path.join(folder, "dump", "toc.dat"), "contents");
  await writeFile(path.join(folder, "rollback.sql"), "SELECT 1;\n");
  const files = await describeFiles(folder);
  const manifest: Manifest = {
    format: 1,
    stage: "day1",
    madeAt: "2026-01-02T03:04:05.678Z",
    database: { host: "localhost", port: 5432, name: "shop", system: "1" },
    serverVersion: "15.3",
    serverMajor: 15,
    pgDumpVersion: "15.3",
    tenantryVersion: "0.1.0",
    lsn: "0/16B3748",
    fingerprint: "abc",
    contents: {
      tables: [{ schema: "public", table: "leads", rows: 3, checksum: "7" }],
      largeObjects: { count: 0, checksum: "0" },
    },
    leftOut: [],
    recipients: [],
    gitTag: null,
    totalBytes: files.reduce((sum, file) => sum + file.bytes, 0),
    files,
  };
  await writeManifest(folder, manifest);
  return { folder, manifest };
}

test("an untouched backup verifies, and its manifest is read as it was written", async () => {
  const { folder, manifest } = await makeBackup();
  expect(await verifyBackup(folder)).toEqual(manifest);
  expect(manifest.files).toEqual([
    {
      path: "dump/toc.dat",
      bytes: 8,
      sha256: "d1b2a59fbea7e20077af9f91b27e95e865061b270be03ff539ab3b73587882e8",
    },
    { path: "rollback.sql", bytes: 10, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  ]);
});

const damages: readonly [string, (folder: string) => Promise<unknown>, string][] = [
  ["missing", (folder) => rm(path.join(folder, "dump/toc.dat")), "missing: dump/toc.dat"],
  [
    "longer",
    (folder) => appendFile(path.join(folder, "dump/toc.dat"), "!"),
    "altered: dump/toc.dat has 9 bytes and had 8",
  ],
  [
    "other with the same size",
    (folder) => writeFile(path.join(folder, "dump/toc.dat"), "CONTENTS"),
    "altered: dump/toc.dat",
  ],
  [
    "extra",
    (folder) => writeFile(path.join(folder, "dump/1.dat.gz"), ""),
    "not in the manifest: dump/1.dat.gz",
  ],
  [
    "an extra link",
    (folder) => symlink("/dev/null", path.join(folder, "link")),
    "not in the manifest: link",
  ],
  [
    "a link to its own contents",
    async (folder) => {
      await rename(path.join(folder, "dump/toc.dat"), path.join(folder, "..", "toc.dat"));
      await symlink("../../toc.dat", path.join(folder, "dump/toc.dat"));
    },
    "altered: dump/toc.dat is not a regular file",
  ],
];

test.each(damages)("a file that is %s is named", async (_, damage, fault) => {
  const { folder } = await makeBackup();
  await damage(folder);
  await expect(verifyBackup(folder)).rejects.toMatchObject({
    code: "BACKUP_DAMAGED",
    object: folder,
    fault: "differs from its manifest",
    details: [fault],
  });
});

test("every damage is named at once", async () => {
  const { folder } = await makeBackup();
  await rm(path.join(folder, "rollback.sql"));
  await appendFile(path.join(folder, "dump/toc.dat"), "!");
  await writeFile(path.join(folder, "extra"), "");
  await expect(verifyBackup(folder)).rejects.toMatchObject({
    details: [
      "altered: dump/toc.dat has 9 bytes and had 8",
      "missing: rollback.sql",
      "not in the manifest: extra",
    ],
  });
});

test("an unfinished backup is refused, whatever it contains", async () => {
  const { folder } = await makeBackup();
  await rename(folder, `${folder}.partial`);
  await expect(readManifest(`${folder}.partial/`)).rejects.toMatchObject({
    code: "BACKUP_DAMAGED",
    fault: "is not a backup: it is unfinished",
  });
});

test("a manifest that is missing, cut off or of another format is refused", async () => {
  const { folder, manifest } = await makeBackup();
  const file = path.join(folder, manifestName);
  const refused = { code: "BACKUP_DAMAGED", fault: "has no readable manifest" };
  const text = await readFile(file, "utf8");
  await writeFile(file, text.slice(0, -10));
  await expect(readManifest(folder)).rejects.toMatchObject(refused);
  await writeFile(file, JSON.stringify({ ...manifest, format: 2 }));
  await expect(readManifest(folder)).rejects.toMatchObject({
    ...refused,
    details: expect.arrayContaining([expect.stringContaining("format")]),
  });
  await rm(file);
  await expect(readManifest(folder)).rejects.toMatchObject({
    ...refused,
    details: [expect.stringContaining("ENOENT")],
  });
});
