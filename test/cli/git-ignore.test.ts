import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { company, findings } from "../check/server.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { smallCompany } from "../setup/small-company.ts";

async function git({ folder }: Project, ...args: readonly string[]): Promise<string> {
  const someone = ["-c", "user.name=Someone", "-c", "user.email=someone@example.com"];
  return (await execa("git", [...someone, ...args], { cwd: folder })).stdout;
}

/** A project in a repository, with folders that were there before Tenantry. */
async function makeRepository(name: string) {
  const database = await company(name, 20);
  const project = await makeProject(database.url, smallCompany);
  await mkdir(path.join(project.folder, "backups"));
  await mkdir(path.join(project.folder, ".tenantry"));
  await git(project, "init");
  await git(project, "add", "--all");
  await git(project, "commit", "--message=work");
  return { ...database, project };
}

test("git add takes nothing of backups, rehearsals, logs and what a rollback kept, in folders that were there", async () => {
  const { project } = await makeRepository("ignored");
  await writeFile(path.join(project.folder, ".tenantry", ".gitignore"), "# ours\n*.tmp");
  const rehearsed = await project.tenantry("rehearse", "--stage", "day1", "--sample", "50");
  expect(rehearsed, rehearsed.stderr).toMatchObject({ code: 0 });
  await git(project, "add", "--all");
  const listed = await git(project, "ls-files");
  expect(listed.split("\n")).toEqual([".tenantry/.gitignore", "tenantry.config.json"]);
  expect(rehearsed.stderr).toContain("did not ignore what is written into");
  const run = await project.tenantry("run", "--stage", "day1", "--yes");
  expect(run, run.stderr).toMatchObject({ code: 0 });
  const undone = await project.tenantry("rollback", "--yes");
  expect(undone, undone.stderr).toMatchObject({ code: 0 });
  expect((await project.tenantry("backup")).code).toBe(0);
  const kept = await readdir(path.join(project.folder, "backups"));
  for (const kind of [/^day1-\w+Z$/, /-attribution$/, /^manual-/, /^rehearsal-/]) {
    expect(kept).toContainEqual(expect.stringMatching(kind));
  }
  await git(project, "add", "--all");
  expect(await git(project, "ls-files")).toBe(listed);
  const ignore = path.join(project.folder, ".tenantry", ".gitignore");
  expect(await readFile(ignore, "utf8")).toBe("# ours\n*.tmp\n/logs/\n");
});

test("a backup that git has already, or does not ignore, is named by check with the command for it", async () => {
  const { url, project } = await makeRepository("tracked");
  const asked = { folder: project.folder };
  expect(await findings("git-ignore", { url }, asked)).toEqual([]);
  const backup = path.join(project.folder, "backups", "day1-20250101T000000Z");
  await mkdir(backup);
  await writeFile(path.join(backup, "manifest.json"), "{}");
  const [unignored, ...none] = await findings("git-ignore", { url }, asked);
  expect(none).toEqual([]);
  expect(unignored?.says).toMatch(/backups: git does not ignore day1-20250101T000000Z$/);
  await git(project, "add", "--all");
  await execa("sh", ["-c", unignored?.fix ?? ""]);

  const [tracked, ...others] = await findings("git-ignore", { url }, asked);
  expect(others).toEqual([]);
  expect(tracked).toMatchObject({
    severity: "advisory",
    says: expect.stringMatching(
      /git tracks 1 file of Tenantry in it: day1-20250101T000000Z\/manifest.json$/,
    ),
  });
  expect(await project.tenantry("check")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("rm -r --cached"),
  });
  await execa("sh", ["-c", tracked?.fix.split(", and ")[0] ?? ""]);
  expect(await findings("git-ignore", { url }, asked)).toEqual([]);
  expect(await readdir(backup)).toEqual(["manifest.json"]);
});
