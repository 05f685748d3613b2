import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { type DumpProgress, watchDump } from "../../src/backup/dump/watch-dump.ts";
import { temporaryFolder } from "./temporary-folder.ts";

test("it is told how far a dump is, also before and after its folder is there", async () => {
  const folder = path.join(await temporaryFolder(), "dump");
  const told: DumpProgress[] = [];
  const watch = watchDump({ kind: "folder", path: folder }, 3, (progress) => told.push(progress));
  await sleep(400);
  expect(told).toEqual([]);
  await mkdir(folder);
  await writeFile(path.join(folder, "toc.dat"), "the contents are no table");
  await writeFile(path.join(folder, "1.dat"), "12345");
  await writeFile(path.join(folder, "2.dat.gz"), "123");
  await expect.poll(() => told.at(-1)).toEqual({ tables: 2, ofTables: 3, bytes: 8 });
  await writeFile(path.join(folder, "1.dat"), "1234567");
  await expect.poll(() => told.at(-1)).toEqual({ tables: 2, ofTables: 3, bytes: 10 });
  await rm(folder, { recursive: true });
  await sleep(400);
  await watch.stop();
});

test("what cannot be brought to the disk is no backup, and says so", async () => {
  const folder = await temporaryFolder();
  await symlink("1.dat", path.join(folder, "1.dat"));
  const watch = watchDump({ kind: "folder", path: folder }, 1, undefined);
  await sleep(400);
  await expect(watch.stop()).rejects.toThrow("ELOOP");
});
