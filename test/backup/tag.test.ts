import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { beforeEach, expect, test, vi } from "vitest";
import { type IfTagExists, tagRepository } from "../../src/backup/tag.ts";
import { temporaryFolder } from "./temporary-folder.ts";

beforeEach(async () => {
  // No configuration of whoever runs the tests: above all no name and no address.
  vi.stubEnv("HOME", await temporaryFolder());
  vi.stubEnv("XDG_CONFIG_HOME", undefined);
  vi.stubEnv("GIT_CONFIG_NOSYSTEM", "1");
  return () => vi.unstubAllEnvs();
});

async function git(folder: string, ...args: readonly string[]): Promise<string> {
  return (await execa("git", args, { cwd: folder })).stdout;
}

async function commit(folder: string): Promise<string> {
  const someone = ["-c", "user.name=Someone", "-c", "user.email=someone@example.com"];
  await git(folder, ...someone, "commit", "--allow-empty", "--message=work");
  return git(folder, "rev-parse", "HEAD");
}

async function makeRepository(): Promise<string> {
  const folder = await temporaryFolder();
  await git(folder, "init", "--initial-branch=main");
  return folder;
}

const tagObject = (folder: string, name: string) => git(folder, "cat-file", "tag", name);

const tag = (folder: string, ifTagExists?: IfTagExists) =>
  tagRepository(folder, "day1", "Before day1", ifTagExists);

test("the tag is annotated, under the plan's name, and tells what it does not hold", async () => {
  const folder = await makeRepository();
  const head = await commit(folder);
  await writeFile(path.join(folder, "new.ts"), "");
  expect(await tag(folder)).toEqual({
    kind: "tagged",
    name: "before-multitenancy-day1",
    commit: head,
    uncommittedFiles: 1,
  });
  expect(await tagObject(folder, "before-multitenancy-day1")).toContain(`object ${head}`);
});

test("a message keeps its lines, also those that begin with # or -", async () => {
  const folder = await makeRepository();
  await commit(folder);
  const message = "# Before day1\n\n--upload-pack=x\n#2\n  $HOME `id` 'quoted'\n";
  await tagRepository(folder, "day1", message);
  expect(await tagObject(folder, "before-multitenancy-day1")).toContain(`\n\n${message.trimEnd()}`);
});

test("whoever has told git no name tags as Tenantry, and git's configuration stays as it is", async () => {
  const folder = await makeRepository();
  await commit(folder);
  await tag(folder);
  expect(await tagObject(folder, "before-multitenancy-day1")).toContain(
    "tagger Tenantry <tenantry@localhost>",
  );
  expect(await git(folder, "config", "--list")).not.toContain("user.");
});

test("an identity that is configured is used", async () => {
  const folder = await makeRepository();
  await commit(folder);
  await git(folder, "config", "user.name", "Ada");
  await git(folder, "config", "user.email", "ada@example.com");
  await tag(folder);
  expect(await tagObject(folder, "before-multitenancy-day1")).toContain(
    "tagger Ada <ada@example.com>",
  );
});

test("an identity from the environment is used, and an editor there is no obstacle", async () => {
  const folder = await makeRepository();
  await commit(folder);
  vi.stubEnv("GIT_COMMITTER_NAME", "Robot");
  vi.stubEnv("GIT_COMMITTER_EMAIL", "robot@example.com");
  vi.stubEnv("EDITOR", "vi");
  vi.stubEnv("PAGER", "less");
  vi.stubEnv("GIT_SSH_COMMAND", "ssh -i key");
  await tag(folder);
  expect(await tagObject(folder, "before-multitenancy-day1")).toContain(
    "tagger Robot <robot@example.com>",
  );
});

test("tags that must be signed do not stop a stage for a passphrase", async () => {
  const folder = await makeRepository();
  await commit(folder);
  await git(folder, "config", "tag.gpgSign", "true");
  await git(folder, "config", "gpg.program", "false");
  expect(await tag(folder)).toMatchObject({ kind: "tagged" });
});

test("a name that is taken gets the first number that is free", async () => {
  const folder = await makeRepository();
  await commit(folder);
  const names: unknown[] = [];
  for (let times = 0; times < 11; times += 1) names.push(await tag(folder));
  expect(names).toMatchObject([
    { name: "before-multitenancy-day1" },
    ...Array.from({ length: 10 }, (_, index) => ({
      name: `before-multitenancy-day1-${index + 2}`,
    })),
  ]);
  expect(await tagRepository(folder, "day2", "Before day2")).toMatchObject({
    name: "before-multitenancy-day2",
  });
});

test("reuse takes the tag of this commit, and never one of another", async () => {
  const folder = await makeRepository();
  const first = await commit(folder);
  await tag(folder);
  expect(await tag(folder, "reuse")).toMatchObject({
    name: "before-multitenancy-day1",
    commit: first,
  });
  await git(folder, "tag", "before-multitenancy-day1-rehearsal");
  const second = await commit(folder);
  const again = { name: "before-multitenancy-day1-2", commit: second };
  expect(await tag(folder, "reuse")).toMatchObject(again);
  expect(await tag(folder, "reuse")).toMatchObject(again);
});

test("error refuses a name that is taken", async () => {
  const folder = await makeRepository();
  await commit(folder);
  await tag(folder, "error");
  await expect(tag(folder, "error")).rejects.toMatchObject({
    code: "GIT_FAILED",
    object: folder,
    fault: expect.stringContaining("before-multitenancy-day1 exists"),
  });
});

test("a worktree and a folder inside the repository are tagged like it", async () => {
  const folder = await makeRepository();
  await commit(folder);
  const worktree = path.join(await temporaryFolder(), "worktree");
  await git(folder, "worktree", "add", "-b", "other", worktree);
  const head = await commit(worktree);
  const inside = path.join(worktree, "packages", "api");
  await mkdir(inside, { recursive: true });
  expect(await tag(inside)).toMatchObject({ kind: "tagged", commit: head });
  expect(await git(folder, "tag", "--list")).toBe("before-multitenancy-day1");
});

test("a detached head is tagged where it is", async () => {
  const folder = await makeRepository();
  const first = await commit(folder);
  await commit(folder);
  await git(folder, "checkout", "--detach", first);
  expect(await tag(folder)).toMatchObject({ kind: "tagged", commit: first });
});

test("no repository, no commit and no git are answers, not errors", async () => {
  expect(await tag(await temporaryFolder())).toEqual({ kind: "no repository" });
  const folder = await makeRepository();
  expect(await tag(folder)).toEqual({ kind: "no commits" });
  await commit(folder);
  await git(folder, "checkout", "--orphan", "empty");
  expect(await tag(folder)).toEqual({ kind: "no commits" });
  vi.stubEnv("PATH", await temporaryFolder());
  expect(await tag(folder)).toEqual({ kind: "no git" });
});

test("a folder that is not there and a repository that git refuses are named", async () => {
  const missing = path.join(await temporaryFolder(), "missing");
  await expect(tag(missing)).rejects.toMatchObject({ code: "GIT_FAILED", object: missing });
  const folder = await makeRepository();
  await commit(folder);
  await writeFile(path.join(folder, ".git", "config"), "[core\n");
  await expect(tag(folder)).rejects.toMatchObject({ code: "GIT_FAILED", object: folder });
});
