import { cp, mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { createDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { temporaryFolder } from "./temporary-folder.ts";

async function company(name: string, folder: string): Promise<Project> {
  const database = await createDatabase(name);
  await makeSmallCompany(database.session, 10);
  return makeProject(database.url, { ...smallCompany, backups: { folder, keep: 1 } });
}

async function backupsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => /^(manual|day)/.test(name) && !name.endsWith("-attribution"));
}

test("a command that needs the folder removes what killed processes left in it, and says so", async () => {
  const folder = await temporaryFolder();
  const project = await company("backups left", folder);
  const left = path.join(folder, "day1-20200101T000000Z.partial");
  await mkdir(path.join(left, "content"), { recursive: true });
  const long = new Date("2020-01-01T00:00:00Z");
  await utimes(path.join(left, "content"), long, long);
  await utimes(left, long, long);
  expect(await project.tenantry("backup")).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(`removed ${left}`),
  });
  expect(await backupsIn(folder)).toHaveLength(1);
});

test("of a folder that several databases have, the newest backup of this one is verified", async () => {
  const folder = await temporaryFolder();
  const one = await company("backups of one", folder);
  const other = await company("backups of another", folder);
  expect(await one.tenantry("backup")).toMatchObject({ code: 0 });
  const [own = ""] = await backupsIn(folder);
  expect(await other.tenantry("backup", "verify")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("holds no backup of backups_of_another"),
  });
  expect(await other.tenantry("backup")).toMatchObject({ code: 0 });
  expect(await one.tenantry("backup", "verify")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${path.join(folder, own)} holds`),
  });
});

test("a backup whose manifest cannot be read stays, is named, and is in nobody's way", async () => {
  const folder = await temporaryFolder();
  const project = await company("backups unreadable", folder);
  expect(await project.tenantry("backup")).toMatchObject({ code: 0 });
  const [whole = ""] = await backupsIn(folder);
  const broken = path.join(folder, "day1-20200101T000000Z");
  await cp(path.join(folder, whole), broken, { recursive: true });
  await writeFile(path.join(broken, "manifest.json"), "{");
  const skipped = `${broken} has no readable manifest: skipped; not deleted`;
  expect(await project.tenantry("backup", "list")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(whole),
    stderr: expect.stringContaining(skipped),
  });
  expect(await project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(skipped),
  });
  expect(await backupsIn(folder)).toContain(path.basename(broken));
  // It may be the newest.
  expect(await project.tenantry("backup", "verify")).toMatchObject({
    code: 3,
    stderr: expect.stringContaining(broken),
  });
});
