import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { finishFolder, makeBackupsFolder, reserveFolder } from "../../src/backup/folder/folder.ts";
import { processName } from "../../src/backup/folder/manifest.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const dayAndMore = 25 * 60 * 60 * 1000;

/** An unfinished folder of this process. */
async function unfinished(parent: string, name: string): Promise<string> {
  return `${await reserveFolder(parent, name, () => undefined)}.partial`;
}

async function changeNote(folder: string, change: (lines: string[]) => string[]): Promise<void> {
  const file = path.join(folder, processName);
  const lines = (await readFile(file, "utf8")).split("\n");
  await writeFile(file, change(lines).join("\n"));
}

/** The number of a process that has ended. */
async function endedProcess(): Promise<number> {
  const child = execa("true");
  const { pid = 0 } = child;
  await child;
  return pid;
}

/** As if nothing had been written since. */
async function age(folder: string, milliseconds: number): Promise<void> {
  const then = new Date(Date.now() - milliseconds);
  const entries = await readdir(folder, { recursive: true });
  for (const name of entries) await utimes(path.join(folder, name), then, then);
  await utimes(folder, then, then);
}

const day1 = "day1-20260102T030405Z";

type Case = {
  readonly what: string;
  readonly name: string;
  readonly make: (folder: string) => Promise<void>;
  readonly removed: boolean;
};

const cases: readonly Case[] = [
  { what: "of a running process", name: day1, make: async () => {}, removed: false },
  {
    what: "of a running process, in which nothing was written for a day",
    name: day1,
    make: (folder) => age(folder, dayAndMore),
    removed: false,
  },
  {
    what: "of a process that has ended",
    name: day1,
    make: async (folder) => {
      const ended = await endedProcess();
      await changeNote(folder, ([machine = "", , ...rest]) => [machine, String(ended), ...rest]);
    },
    removed: true,
  },
  {
    what: "of a process whose number another one has now",
    name: "manual-20260102T030405Z",
    make: (folder) =>
      changeNote(folder, ([machine = "", number = ""]) => [machine, number, "then", ""]),
    removed: true,
  },
  {
    what: "of row ownership, of a process that has ended",
    name: `${day1}-attribution`,
    make: (folder) =>
      changeNote(folder, ([machine = "", number = ""]) => [machine, number, "then", ""]),
    removed: true,
  },
  {
    what: "of another machine",
    name: "later1-20260102T030405Z",
    make: (folder) => changeNote(folder, ([, ...rest]) => ["elsewhere", ...rest]),
    removed: false,
  },
  {
    what: "of another machine, in which nothing was written for a day",
    name: "later1-20260102T030405Z",
    make: async (folder) => {
      await changeNote(folder, ([, ...rest]) => ["elsewhere", ...rest]);
      await age(folder, dayAndMore);
    },
    removed: true,
  },
  {
    what: "whose note was cut by the kill, in which nothing was written for a day",
    name: day1,
    make: async (folder) => {
      await changeNote(folder, ([machine = ""]) => [machine]);
      await age(folder, dayAndMore);
    },
    removed: true,
  },
];

test.each(cases)(
  "an unfinished folder $what: removed $removed",
  async ({ what, name, make, removed }) => {
    const parent = path.join(await temporaryFolder(), "backups");
    const folder = await unfinished(parent, name);
    await mkdir(path.join(folder, "content", "dump"), { recursive: true });
    await make(folder);
    const said: string[] = [];
    await makeBackupsFolder(parent, (text) => said.push(text));
    expect(await readdir(parent)).toEqual([".gitignore", ...(removed ? [] : [`${name}.partial`])]);
    const because = what.includes("for a day")
      ? "nothing was written into it for a day"
      : "its process has ended";
    expect(said).toEqual(removed ? [`removed ${folder}: it is unfinished, and ${because}`] : []);
  },
);

test("a folder of somebody else's that is called .partial is kept, however old", async () => {
  const parent = await temporaryFolder();
  for (const name of ["videos.partial", "day1.partial"]) {
    await mkdir(path.join(parent, name));
    await age(path.join(parent, name), dayAndMore);
  }
  const said: string[] = [];
  await makeBackupsFolder(parent, (text) => said.push(text));
  expect(await readdir(parent)).toEqual(["day1.partial", "videos.partial"]);
  expect(said).toEqual([]);
});

test("a complete backup does not tell which process wrote it", async () => {
  const parent = await temporaryFolder();
  const folder = await reserveFolder(parent, day1, () => undefined);
  expect(await readdir(`${folder}.partial`)).toEqual([processName]);
  await finishFolder(folder);
  expect(await readdir(folder)).toEqual([]);
});
