import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { contentOf, filesIn, folderWith, refusalOf, tenantryIn } from "./in-this-process.ts";

let database: TestDatabase;
let content: Record<string, string>;

beforeAll(async () => {
  database = await makeDatabase("no folder for backups");
  await makeSmallCompany(database.session, 50);
  // The journal is made by the first run, whatever comes of it; and there is something to undo.
  const folder = await mkdtemp(path.join(tmpdir(), "tenantry-bad-input-"));
  await writeFile(path.join(folder, "tenantry.config.json"), JSON.stringify(smallCompany));
  const run = await tenantryIn(folder, { DATABASE_URL: database.url }, [
    "run",
    "--stage",
    "day1",
    "--yes",
  ]);
  await rm(folder, { recursive: true });
  expect([run.code, run.stderr]).toEqual([0, expect.anything()]);
  content = await contentOf(database.session);
});

afterAll(async () => {
  const after = await contentOf(database.session);
  await database.drop();
  expect(after).toEqual(content);
});

/** A project whose backups' folder is this one. */
async function projectWith(folder: string): Promise<string> {
  const config = { ...smallCompany, backups: { folder } };
  return folderWith({ "tenantry.config.json": JSON.stringify(config), "a-file": "mine" });
}

async function refuseAll(project: string, commands: readonly string[]) {
  const before = await filesIn(project);
  for (const command of commands) {
    const outcome = await tenantryIn(project, { DATABASE_URL: database.url }, command.split(" "));
    const refusal = refusalOf(outcome);
    expect([command, refusal]).toEqual([
      command,
      expect.objectContaining({
        code: expect.stringMatching(/^(BACKUP_FAILED|ROLLBACK_REFUSED|PREFLIGHT_FAILED)$/),
      }),
    ]);
    expect(refusal.next).toMatch(/folder|space|fix/);
  }
  expect(await filesIn(project)).toEqual(before);
  expect(await contentOf(database.session)).toEqual(content);
}

const writing = ["run --yes", "backup", "rollback --yes", "rehearse", "check --stage day2"];

test.each([
  ["is a file", "a-file", [...writing, "backup list", "backup verify"]],
  ["is under a file", "a-file/backups", writing],
  ["is a device", "/dev/null", [...writing, "backup list", "backup verify"]],
  [
    "is where nothing can be made",
    "/sys/kernel/tenantry/backups",
    ["run --yes", "backup", "rollback --yes"],
  ],
  ["has a name that is too long", "b".repeat(300), ["run --yes", "backup", "rollback --yes"]],
  ["has a NUL in its name", "a\0b", ["run --yes", "backup", "rollback --yes"]],
])(
  "a folder for backups that %s is refused, and nothing is begun",
  async (_what, folder, commands) => {
    await refuseAll(await projectWith(folder), commands);
  },
);

test("a folder for backups that is a link in a circle is refused", async () => {
  const project = await projectWith("circle");
  await symlink("circle", path.join(project, "circle"));
  await refuseAll(project, ["run --yes", "backup", "rollback --yes"]);
});

test("a folder for backups that cannot be written is refused", async ({ skip }) => {
  const project = await projectWith("read-only");
  if (!(await mounted(path.join(project, "read-only"), "ro")))
    skip("this user may not mount anything");
  await refuseAll(project, writing);
});

test("a folder for backups that is full is refused, and what was begun is removed", async ({
  skip,
}) => {
  const project = await projectWith("full");
  if (!(await mounted(path.join(project, "full"), "size=16k")))
    skip("this user may not mount anything");
  await refuseAll(project, ["run --yes", "backup"]);
});

test("a disk that fills up during the backup leaves nothing of it", async ({ skip }) => {
  const project = await projectWith("small");
  // More than the tables take, and less than the dump with all that is beside it.
  if (!(await mounted(path.join(project, "small"), "size=120k")))
    skip("this user may not mount anything");
  await refuseAll(project, ["run --yes", "backup"]);
});

/** A file system in memory for the length of a test; false where this user may not have one. */
async function mounted(folder: string, options: string): Promise<boolean> {
  await mkdir(folder);
  const mount = await execa("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder], {
    reject: false,
  });
  if (mount.exitCode !== 0) return false;
  onTestFinished(async () => {
    await execa("umount", [folder]);
  });
  return true;
}
