import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { makeBackupsFolder } from "../../src/backup/folder/folder.ts";
import { keptBackups } from "../../src/backup/git/kept-names.ts";
import { commit, git, makeRepository, withoutOwnConfiguration } from "./git-repository.ts";
import { temporaryFolder } from "./temporary-folder.ts";

withoutOwnConfiguration();

/** A repository with a folder for backups that was there before Tenantry. */
async function makeWithFolder(...files: readonly (readonly [string, string])[]): Promise<string> {
  const repository = await makeRepository();
  await mkdir(path.join(repository, "backups"));
  for (const [file, text] of files) await writeFile(path.join(repository, file), text);
  return repository;
}

/** Makes the folder ready and puts one file of every kind into it. @returns what was told */
async function fill(folder: string): Promise<string[]> {
  const told: string[] = [];
  await makeBackupsFolder(folder, (text) => told.push(text));
  for (const example of keptBackups.flatMap(({ examples }) => examples)) {
    const file = path.join(folder, example);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, "rows of customers");
  }
  return told;
}

/** What one careless command takes into the repository. */
async function added(repository: string): Promise<string[]> {
  await git(repository, "add", "--all");
  return (await git(repository, "ls-files")).split("\n").filter((file) => file !== "");
}

const ignoreOf = (repository: string) =>
  readFile(path.join(repository, "backups", ".gitignore"), "utf8");

test("a folder that is there already is ignored by git before anything is written into it", async () => {
  const repository = await makeWithFolder();
  const told = await fill(path.join(repository, "backups"));
  expect(await added(repository)).toEqual([]);
  expect(await ignoreOf(repository)).toBe("*\n");
  expect(told).toEqual([expect.stringContaining("did not ignore what is written into")]);
  expect(await fill(path.join(repository, "backups"))).toEqual([]);
});

test("a .gitignore of the user's keeps every line, and gets those that it lacks", async () => {
  const own = "*.log\n!README.md\n/manual-????????T??????Z*";
  const repository = await makeWithFolder(["backups/.gitignore", own], ["backups/README.md", "x"]);
  await fill(path.join(repository, "backups"));
  expect(await added(repository)).toEqual(["backups/.gitignore", "backups/README.md"]);
  expect(await ignoreOf(repository)).toBe(
    `${own}\n/day?-????????T??????Z*\n/later*-????????T??????Z*\n/rehearsal-????????T??????Z.json\n`,
  );
});

test("a .gitignore that ignores backups already is left as it is, wherever it is", async () => {
  const keepsFolder = "*\n!.gitignore\n";
  const inside = await makeWithFolder(["backups/.gitignore", keepsFolder]);
  expect(await fill(path.join(inside, "backups"))).toEqual([]);
  expect(await added(inside)).toEqual(["backups/.gitignore"]);
  expect(await ignoreOf(inside)).toBe(keepsFolder);
  const above = await makeWithFolder([".gitignore", "/backups/\n"]);
  expect(await fill(path.join(above, "backups"))).toEqual([]);
  expect(await added(above)).toEqual([".gitignore"]);
});

test("lines that bring backups back are overruled", async () => {
  const repository = await makeWithFolder(
    [".gitignore", "backups/*\n!backups/day1-*\n"],
    ["backups/.gitignore", "*\n!day*\n!*.json\n"],
  );
  await fill(path.join(repository, "backups"));
  expect(await added(repository)).toEqual([".gitignore"]);
});

test("in a folder that is the application's own, git goes on to see its files, old and new", async () => {
  const repository = await makeRepository();
  await writeFile(path.join(repository, "app.ts"), "");
  await fill(repository);
  await writeFile(path.join(repository, "manual-of-the-app.md"), "");
  await writeFile(path.join(repository, "rehearsal.json"), "");
  expect(await added(repository)).toEqual([
    ".gitignore",
    "app.ts",
    "manual-of-the-app.md",
    "rehearsal.json",
  ]);
});

test("files that git tracks already hide nothing that comes", async () => {
  const repository = await makeWithFolder(["backups/README.md", "x"]);
  await mkdir(path.join(repository, "backups/day1-20250101T000000Z"));
  const tracked = "backups/day1-20250101T000000Z/manifest.json";
  await writeFile(path.join(repository, tracked), "{}");
  await git(repository, "add", "--all");
  await fill(path.join(repository, "backups"));
  expect(await added(repository)).toEqual(
    ["backups/.gitignore", "backups/README.md", tracked].sort(),
  );
});

test("of a symbolic link it counts where it leads: out of the tree nothing is written, into one it is", async () => {
  const outside = await temporaryFolder();
  const repository = await makeRepository();
  const link = path.join(repository, "backups");
  await symlink(outside, link);
  expect(await fill(link)).toEqual([]);
  expect(await added(repository)).toEqual(["backups"]);
  await expect(readFile(path.join(outside, ".gitignore"))).rejects.toMatchObject({
    code: "ENOENT",
  });

  const other = await makeWithFolder();
  await rm(link);
  await symlink(path.join(other, "backups"), link);
  await fill(link);
  expect(await added(other)).toEqual([]);
});

test("a worktree of a repository is a tree like any other, and a bare one is none", async () => {
  const repository = await makeRepository();
  await commit(repository);
  const worktree = path.join(await temporaryFolder(), "worktree");
  await git(repository, "worktree", "add", "--detach", worktree);
  await mkdir(path.join(worktree, "backups"));
  await fill(path.join(worktree, "backups"));
  expect(await added(worktree)).toEqual([]);
  const bare = await temporaryFolder();
  await git(bare, "init", "--bare");
  expect(await fill(bare)).toEqual([]);
});

test.each(["a symbolic link", "a folder"])(
  "a .gitignore that is %s is not written to, which is said",
  async (kind) => {
    const repository = await makeWithFolder(["shared-ignore", "*.log\n"]);
    const file = path.join(repository, "backups", ".gitignore");
    if (kind === "a folder") await mkdir(file);
    else await symlink(path.join(repository, "shared-ignore"), file);
    const told = await fill(path.join(repository, "backups"));
    expect(told).toEqual([
      expect.stringMatching(
        /could not be written: it is not a regular file\. Make git ignore them/,
      ),
    ]);
    expect(await readFile(path.join(repository, "shared-ignore"), "utf8")).toBe("*.log\n");
    await writeFile(path.join(repository, ".gitignore"), "/backups/\n");
    expect(await fill(path.join(repository, "backups"))).toEqual([]);
  },
);

test("without git the folder in a repository is kept out of it as well, once", async () => {
  const repository = await makeWithFolder(["backups/.gitignore", "*.log\n"]);
  vi.stubEnv("PATH", await temporaryFolder());
  await fill(path.join(repository, "backups"));
  const once = await ignoreOf(repository);
  await fill(path.join(repository, "backups"));
  expect(await ignoreOf(repository)).toBe(once);
  vi.unstubAllEnvs();
  expect(await added(repository)).toEqual(["backups/.gitignore"]);
});
