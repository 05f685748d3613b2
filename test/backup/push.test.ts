import { existsSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { pushTag } from "../../src/backup/git/push.ts";
import { commit, git, makeRepository, withoutOwnConfiguration } from "./git-repository.ts";
import { temporaryFolder } from "./temporary-folder.ts";

withoutOwnConfiguration();

const name = "before-multitenancy-day1";
const later = `git push origin refs/tags/${name}`;

/** A repository with the tag to push, and another one beside it. */
async function makeTagged(): Promise<string> {
  const folder = await makeRepository();
  await commit(folder);
  await annotate(folder, "mine");
  await annotate(folder, name);
  return folder;
}

async function annotate(folder: string, tag: string): Promise<void> {
  const someone = ["-c", "user.name=Someone", "-c", "user.email=someone@example.com"];
  await git(folder, ...someone, "tag", "--annotate", "--message=x", tag);
}

async function addRemote(folder: string, remote = "origin"): Promise<string> {
  const bare = await temporaryFolder();
  await git(bare, "init", "--bare");
  await git(folder, "remote", "add", remote, bare);
  return bare;
}

async function addHook(folder: string, hook: string, script: string): Promise<void> {
  const file = path.join(folder, "hooks", hook);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

const references = (folder: string) => git(folder, "for-each-ref", "--format=%(refname)");

test("the remote receives the one tag, annotated, and nothing else", async () => {
  const folder = await makeTagged();
  const bare = await addRemote(folder);
  await git(folder, "branch", name);
  await git(folder, "config", "push.followTags", "true");
  await git(folder, "config", "push.gpgSign", "true");
  for (let times = 0; times < 2; times += 1) {
    expect(await pushTag(folder, name)).toEqual({ kind: "pushed", remote: "origin" });
    expect(await references(bare)).toBe(`refs/tags/${name}`);
  }
  expect(await git(bare, "cat-file", "-t", name)).toBe("tag");
});

test("the branch's remote is taken, else origin, else the only one", async () => {
  const folder = await makeTagged();
  expect(await pushTag(folder, name)).toEqual({ kind: "no remote" });
  await addRemote(folder, "one");
  expect(await pushTag(folder, name)).toMatchObject({ remote: "one" });
  await addRemote(folder, "two");
  expect(await pushTag(folder, name)).toEqual({
    kind: "not pushed",
    reason: "the branch has no upstream, and none of the remotes one, two is named origin",
    command: `git push <remote> refs/tags/${name}`,
  });
  await addRemote(folder);
  expect(await pushTag(folder, name)).toMatchObject({ remote: "origin" });
  await git(folder, "push", "--set-upstream", "two", "main");
  expect(await pushTag(folder, name)).toMatchObject({ remote: "two" });
  const worktree = path.join(await temporaryFolder(), "worktree");
  await git(folder, "worktree", "add", "--detach", worktree);
  expect(await pushTag(worktree, name)).toMatchObject({ remote: "origin" });
});

test("a remote that refuses leaves the tag, and what it said is told with the command for later", async () => {
  const folder = await makeTagged();
  const bare = await addRemote(folder);
  await addHook(bare, "pre-receive", "echo no tags today; exit 1");
  expect(await pushTag(folder, name)).toEqual({
    kind: "not pushed",
    reason: expect.stringContaining("no tags today"),
    command: later,
  });
  expect(await references(bare)).toBe("");
  expect(await references(folder)).toContain(name);
});

test("a remote that hangs is given up, and nothing of the push goes on", async () => {
  const folder = await makeTagged();
  const bare = await addRemote(folder);
  const mark = path.join(bare, "went-on");
  await addHook(bare, "pre-receive", `sleep 1; touch ${mark}`);
  const started = performance.now();
  const pushed = await pushTag(folder, name, 300);
  expect(pushed).toMatchObject({ kind: "not pushed", reason: "no answer within 0.3 s" });
  expect(performance.now() - started).toBeLessThan(1000);
  await sleep(1000);
  expect(existsSync(mark)).toBe(false);
});

test("a remote that cannot be reached is said, without the credentials of its URL", async () => {
  const folder = await makeTagged();
  await git(folder, "remote", "add", "origin", path.join(folder, "nowhere"));
  expect(await pushTag(folder, name)).toMatchObject({ kind: "not pushed", command: later });
  await git(folder, "remote", "set-url", "origin", "http://token-9:word-9@127.0.0.1:1/x.git");
  const pushed = await pushTag(folder, name);
  expect(pushed).toMatchObject({
    kind: "not pushed",
    reason: expect.stringContaining("127.0.0.1"),
  });
  expect(JSON.stringify(pushed)).not.toMatch(/token-9|word-9/);
});

test("a tag that the remote has for something else is not overwritten", async () => {
  const folder = await makeTagged();
  const bare = await addRemote(folder);
  await pushTag(folder, name);
  const there = await git(bare, "rev-parse", name);
  await git(folder, "tag", "--delete", name);
  await commit(folder);
  await annotate(folder, name);
  expect(await pushTag(folder, name)).toMatchObject({
    kind: "not pushed",
    reason: expect.stringContaining("already exists"),
  });
  expect(await git(bare, "rev-parse", name)).toBe(there);
});

test("hooks of the user that talk are no obstacle, and one that refuses is said", async () => {
  const folder = await makeTagged();
  const bare = await addRemote(folder);
  await git(folder, "config", "core.hooksPath", path.join(folder, ".git", "hooks"));
  await addHook(path.join(folder, ".git"), "pre-push", "echo out; echo err >&2; exit 1");
  expect(await pushTag(folder, name)).toMatchObject({ kind: "not pushed" });
  expect(await references(bare)).toBe("");
  await addHook(path.join(folder, ".git"), "pre-push", "yes | head -c 1000000 >&2");
  expect(await pushTag(folder, name)).toMatchObject({ kind: "pushed" });
});

test("nobody is asked for a password, neither by git, nor by ssh, nor by a helper", async () => {
  const folder = await makeTagged();
  const seen = path.join(await temporaryFolder(), "environment");
  const ssh = path.join(await temporaryFolder(), "ssh");
  await writeFile(ssh, `#!/bin/sh\nenv >${seen}; echo "arguments $*" >>${seen}; exit 1\n`);
  await chmod(ssh, 0o755);
  vi.stubEnv("PATH", `${path.dirname(ssh)}:${process.env["PATH"]}`);
  await git(folder, "remote", "add", "origin", "ssh://someone@127.0.0.1:1/x");
  vi.stubEnv("GIT_DIR", "/nowhere");
  expect(await pushTag(folder, name)).toMatchObject({ kind: "not pushed", command: later });
  vi.stubEnv("GIT_DIR", undefined);
  const told = await readFile(seen, "utf8");
  expect(told).toContain("arguments -o BatchMode=yes");
  expect(told.split("\n")).toEqual(
    expect.arrayContaining(["GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS_REQUIRE=never"]),
  );
  await git(folder, "config", "core.sshCommand", `${ssh} -i key`);
  await pushTag(folder, name);
  expect(await readFile(seen, "utf8")).toContain("arguments -i key");
});
