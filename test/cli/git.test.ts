import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { z } from "zod";
import { verifyBackup } from "../../src/backup/manifest.ts";
import { sql } from "../../src/postgres/sql.ts";
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
  const project = await makeProject(url, smallCompany);
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
