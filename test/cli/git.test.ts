import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { z } from "zod";
import { verifyBackup } from "../../src/backup/folder/manifest.ts";
import { sql } from "../../src/postgres/sql.ts";
import { temporaryFolder } from "../backup/temporary-folder.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const name = "before-multitenancy-day1";

async function git(folder: string, ...args: readonly string[]): Promise<string> {
  const someone = ["-c", "user.name=Someone", "-c", "user.email=someone@example.com"];
  return (await execa("git", [...someone, ...args], { cwd: folder })).stdout;
}

test("a push that is refused undoes neither the tag, which tells of the run, nor the backup", async () => {
  const { session, url } = await createDatabase("push refused");
  await makeSmallCompany(session, 100);
  const project = await makeProject(url, { ...smallCompany, git: { push: true } });
  const remote = path.join(project.folder, "remote");
  const hook = path.join(remote, "hooks", "pre-receive");
  await git(project.folder, "init");
  await git(project.folder, "commit", "--allow-empty", "--message=work");
  await git(project.folder, "init", "--bare", remote);
  await git(project.folder, "remote", "add", "origin", remote);
  await writeFile(hook, "#!/bin/sh\nexit 1\n");
  await chmod(hook, 0o755);

  const outcome = await project.tenantry("run", "--stage", "day1", "--yes");
  expect(outcome.stderr).toContain(`the tag ${name} was not pushed: `);
  expect(outcome.stderr).toContain(`Later: git push origin refs/tags/${name}`);
  expect(outcome.code).toBe(0);
  const [run] = await session.rows(
    sql`SELECT backup_folder AS folder, fingerprint ->> 'digest' AS fingerprint FROM tenantry.run`,
    z.object({ folder: z.string(), fingerprint: z.string() }),
  );
  if (run === undefined) throw new Error("the journal has no run");
  expect(await verifyBackup(run.folder)).toMatchObject({ gitTag: name });
  const tag = await git(project.folder, "cat-file", "tag", name);
  const { username, hostname, port, pathname } = new URL(url);
  for (const line of [
    `database:    ${username}@${hostname}:${port}${pathname}`,
    expect.stringMatching(/^server: {6}PostgreSQL \d/),
    `fingerprint: ${run.fingerprint}`,
    `backup:      backups/${path.basename(run.folder)}`,
    expect.stringMatching(/^tree: {8}\d+ files that are not committed$/),
    expect.stringMatching(/^by: {10}\S+@\S+$/),
    expect.stringMatching(/^tenantry: {4}\d/),
  ]) {
    expect(tag.split("\n")).toContainEqual(line);
  }
});

test("without a tag that is required the database is not touched", async () => {
  const { session, url } = await createDatabase("tag required");
  await makeSmallCompany(session, 100);
  const project = await makeProject(url, { ...smallCompany, git: { required: true } });
  const outcome = await project.tenantry("run", "--stage", "day1", "--yes", "--json");
  expect(outcome.code).toBe(1);
  expect(JSON.parse(outcome.stdout)).toMatchObject({ kind: "error", code: "GIT_FAILED" });
  const journal = sql`SELECT 1 FROM pg_namespace WHERE nspname = 'tenantry'`;
  expect(await session.rows(journal, z.unknown())).toEqual([]);
});

/** A project in a repository with a remote, as a CI's job has it. */
async function projectWithRemote(database: string, ci: string, push?: boolean) {
  const { session, url } = await createDatabase(database);
  await makeSmallCompany(session, 20);
  const config = push === undefined ? smallCompany : { ...smallCompany, git: { push } };
  const project = await makeProject({ DATABASE_URL: url, CI: ci }, config);
  const remote = path.join(await temporaryFolder(), "remote");
  await git(project.folder, "init");
  await git(project.folder, "commit", "--allow-empty", "--message=work");
  await git(project.folder, "init", "--bare", remote);
  await git(project.folder, "remote", "add", "origin", remote);
  const outcome = await project.tenantry("run", "--stage", "day1", "--yes");
  expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
  expect(await git(project.folder, "tag", "--list")).toBe(name);
  return { project, outcome, pushed: await git(remote, "for-each-ref", "--format=%(refname)") };
}

test.each(["true", "1"])(
  "with CI=%s a tag is made and not pushed, which the screen and the log say",
  async (ci) => {
    const { project, outcome, pushed } = await projectWithRemote(`tag in ci ${ci}`, ci);
    expect(pushed).toBe("");
    const said = `the tag ${name} was not pushed: CI is set; set git.push to push. Later: git push origin refs/tags/${name}`;
    expect(outcome.stderr).toContain(said);
    const logs = path.join(project.folder, ".tenantry", "logs");
    const [log] = await readdir(logs);
    expect(await readFile(path.join(logs, String(log)), "utf8")).toContain(said);
  },
);

test("with CI set a tag is pushed where git.push says so, and without it also where nothing does", async () => {
  const meant = await projectWithRemote("tag in ci meant", "true", true);
  expect(meant.pushed).toBe(`refs/tags/${name}`);
  expect(meant.outcome.stderr).not.toContain("was not pushed");
  for (const ci of ["", "false"]) {
    const { pushed } = await projectWithRemote(`tag without ci ${ci}`, ci);
    expect(pushed).toBe(`refs/tags/${name}`);
  }
  const never = await projectWithRemote("tag never pushed", "", false);
  expect(never.pushed).toBe("");
});
