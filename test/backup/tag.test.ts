import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test, vi } from "vitest";
import {
  type IfTagExists,
  refuseUntaggable,
  type TagRequest,
  tagRepository,
} from "../../src/backup/git/tag.ts";
import { commit, git, makeRepository, withoutOwnConfiguration } from "./git-repository.ts";
import { temporaryFolder } from "./temporary-folder.ts";

withoutOwnConfiguration();

const tagObject = (folder: string, name: string) => git(folder, "cat-file", "tag", name);

const request = (folder: string, changes: Partial<TagRequest> = {}): TagRequest => ({
  folder,
  stage: "day1",
  ifTagExists: "suffix",
  required: false,
  ...changes,
});

const tag = (folder: string, ifTagExists: IfTagExists = "suffix") =>
  tagRepository(request(folder, { ifTagExists }), (tree) => `Before day1: ${tree.kind}`);

test("the tag is annotated, under the plan's name, and tells what it does not hold", async () => {
  const folder = await makeRepository();
  const head = await commit(folder);
  await writeFile(path.join(folder, "new.ts"), "");
  expect(await tag(folder)).toEqual({
    kind: "tagged",
    name: "before-multitenancy-day1",
    commit: head,
    tree: { kind: "changed", files: 1 },
  });
  const object = await tagObject(folder, "before-multitenancy-day1");
  expect(object).toContain(`object ${head}`);
  expect(object).toContain("Before day1: changed");
  await git(folder, "config", "status.showUntrackedFiles", "no");
  expect(await tag(folder)).toMatchObject({ tree: { kind: "changed", files: 1 } });
  await rm(path.join(folder, "new.ts"));
  expect(await tag(folder)).toMatchObject({ tree: { kind: "clean" } });
});

test("a message keeps its lines, also those that begin with # or -", async () => {
  const folder = await makeRepository();
  await commit(folder);
  const message = "# Before day1\n\n--upload-pack=x\n#2\n  $HOME `id` 'quoted'\n";
  await tagRepository(request(folder), () => message);
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
  expect(await tagRepository(request(folder, { stage: "day2" }), () => "")).toMatchObject({
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
    fault: expect.stringContaining("before-multitenancy-day1 already exists"),
    next: expect.stringContaining("git tag --delete before-multitenancy-day1"),
  });
  await expect(refuseUntaggable(request(folder, { ifTagExists: "error" }))).rejects.toMatchObject({
    code: "GIT_FAILED",
  });
  await refuseUntaggable(request(folder, { ifTagExists: "error", stage: "day2" }));
  expect(await git(folder, "tag", "--list")).toBe("before-multitenancy-day1");
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

test("a required tag that cannot be made is refused, with the reason", async () => {
  const folder = await makeRepository();
  const required = request(folder, { required: true });
  const refusal = (fault: string) =>
    expect.objectContaining({ code: "GIT_FAILED", fault: `${fault}, and a tag is required` });
  const asked = () => refuseUntaggable(required);
  await expect(asked()).rejects.toEqual(refusal("the repository has no commit"));
  await commit(folder);
  await asked();
  vi.stubEnv("PATH", await temporaryFolder());
  await expect(asked()).rejects.toEqual(refusal("git is not installed"));
  await expect(tagRepository(required, () => "")).rejects.toEqual(refusal("git is not installed"));
});

test("a bare repository and the inside of a .git are tagged, without a tree", async () => {
  const folder = await makeRepository();
  const head = await commit(folder);
  const bare = path.join(await temporaryFolder(), "bare");
  await git(folder, "clone", "--bare", ".", bare);
  for (const odd of [bare, path.join(folder, ".git")]) {
    expect(await tag(odd)).toMatchObject({ commit: head, tree: { kind: "none" } });
    expect(await git(odd, "tag", "--list")).toBe("before-multitenancy-day1");
  }
});

test("an empty .git above is no repository", async () => {
  const folder = await temporaryFolder();
  await mkdir(path.join(folder, ".git"));
  expect(await tag(folder)).toEqual({ kind: "no repository" });
});

test("a branch of the tag's name is not in the way", async () => {
  const folder = await makeRepository();
  const head = await commit(folder);
  await git(folder, "branch", "before-multitenancy-day1");
  await commit(folder);
  const now = await git(folder, "rev-parse", "HEAD");
  expect(now).not.toBe(head);
  const found = { name: "before-multitenancy-day1", commit: now };
  expect(await tag(folder, "reuse")).toMatchObject(found);
  expect(await tag(folder, "reuse")).toMatchObject(found);
});

test("a lightweight tag of that name is somebody else's: it is neither reused nor moved", async () => {
  const folder = await makeRepository();
  const head = await commit(folder);
  await git(folder, "tag", "before-multitenancy-day1");
  expect(await tag(folder, "reuse")).toMatchObject({ name: "before-multitenancy-day1-2" });
  expect(await tag(folder, "reuse")).toMatchObject({ name: "before-multitenancy-day1-2" });
  expect(await git(folder, "cat-file", "-t", "before-multitenancy-day1")).toBe("commit");
  expect(await git(folder, "rev-parse", "before-multitenancy-day1")).toBe(head);
});

test("hooks that talk do not confuse, and one that refuses is an error", async () => {
  const folder = await makeRepository();
  await commit(folder);
  const hooks = await temporaryFolder();
  const hook = path.join(hooks, "reference-transaction");
  await git(folder, "config", "core.hooksPath", hooks);
  await writeFile(hook, "#!/bin/sh\necho out\necho err >&2\n");
  await chmod(hook, 0o755);
  expect(await tag(folder)).toMatchObject({ name: "before-multitenancy-day1" });
  await writeFile(hook, "#!/bin/sh\nexit 1\n");
  await expect(tag(folder)).rejects.toMatchObject({ code: "GIT_FAILED" });
  expect(await git(folder, "tag", "--list")).toBe("before-multitenancy-day1");
});

test("a folder that is not there and a repository that git refuses are named", async () => {
  const missing = path.join(await temporaryFolder(), "missing");
  await expect(tag(missing)).rejects.toMatchObject({ code: "GIT_FAILED", object: missing });
  const folder = await makeRepository();
  await commit(folder);
  await writeFile(path.join(folder, ".git", "config"), "[core\n");
  await expect(tag(folder)).rejects.toMatchObject({ code: "GIT_FAILED", object: folder });
});
