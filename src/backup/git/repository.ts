import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { type SimpleGit, simpleGit } from "simple-git";

/** Whether the working tree has changes that are not in the commit that is tagged. */
export type Tree =
  | { readonly kind: "clean" }
  | { readonly kind: "changed"; readonly files: number }
  /** A bare repository, or the inside of a `.git`. */
  | { readonly kind: "none" };

export type Repository = {
  readonly kind: "repository";
  readonly git: SimpleGit;
  readonly commit: string;
  readonly tree: Tree;
};

/** Why there is nothing to tag. A database without a repository is allowed. */
export type NoRepository = { readonly kind: "no git" | "no repository" | "no commits" };

/**
 * Opens the repository that a folder belongs to: a clone, a worktree, a bare one.
 * @throws Error when the folder does not exist, or git refuses it
 */
export async function openRepository(folder: string): Promise<Repository | NoRepository> {
  const git = gitIn(folder);
  if (!(await git.version()).installed) return { kind: "no git" };
  if (!isInRepository(path.resolve(folder))) return { kind: "no repository" };
  const commit = await git.raw(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
  if (commit === "") return { kind: "no commits" };
  return { kind: "repository", git, commit, tree: await treeOf(git) };
}

/** git, from a folder. */
export function gitIn(folder: string): SimpleGit {
  // simple-git removes every GIT_ variable; a CI job sets its identity with these two.
  return simpleGit(folder, {
    allowEnvironment: ["GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"],
    trimmed: true,
  });
}

async function treeOf(git: SimpleGit): Promise<Tree> {
  if ((await git.raw(["rev-parse", "--is-inside-work-tree"])) !== "true") return { kind: "none" };
  // Given explicitly, because status.showUntrackedFiles may hide them.
  const { files } = await git.status(["--untracked-files=all"]);
  return files.length === 0 ? { kind: "clean" } : { kind: "changed", files: files.length };
}

/** Searched here, because git prints "not a git repository" in the user's language. */
export function isInRepository(folder: string): boolean {
  if (isGitFolder(folder) || isGitFolder(path.join(folder, ".git"))) return true;
  const above = path.dirname(folder);
  return above !== folder && isInRepository(above);
}

/** In a worktree or submodule, `.git` is a file with the path of the repository. */
function isGitFolder(file: string): boolean {
  const facts = statSync(file, { throwIfNoEntry: false });
  if (facts === undefined) return false;
  if (facts.isFile()) return path.basename(file) === ".git";
  return ["HEAD", "objects", "refs"].every((name) => existsSync(path.join(file, name)));
}
