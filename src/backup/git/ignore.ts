import { lstat, readdir, readFile, realpath, writeFile } from "node:fs/promises";
import path from "node:path";
import type { SimpleGit } from "simple-git";
import { messageOf } from "../../errors.ts";
import { type Kept, keptIn } from "./kept-names.ts";
import { gitIn, isInRepository } from "./repository.ts";

/** Whether git would add files of a folder that rows of the database are written into. */
export type GitView =
  /** The folder is in no work tree, so its files cannot be added to a repository. */
  | { readonly kind: "outside" }
  | {
      readonly kind: "in a work tree";
      /** The path with symbolic links resolved. */
      readonly folder: string;
      /** The missing patterns: `git add` would add the files that they match. */
      readonly missing: readonly string[];
      /** Files of Tenantry that git already tracks. */
      readonly tracked: readonly string[];
    }
  /** git is not installed, or refuses the repository. */
  | { readonly kind: "unknown"; readonly folder: string; readonly reason: string };

/** Reads the state of an existing folder, and writes nothing. */
export async function viewOfGit(folder: string, kept: readonly Kept[]): Promise<GitView> {
  // git does not follow symbolic links, so the files' real folder decides.
  const real = await realpath(folder);
  if (!isInRepository(real)) return { kind: "outside" };
  try {
    const git = gitIn(real);
    if ((await git.raw(["rev-parse", "--is-inside-work-tree"])) !== "true") {
      return { kind: "outside" };
    }
    const missing = await missingPatterns(git, kept);
    const files = (await git.raw(["ls-files", "-z"])).split("\0").filter((file) => file !== "");
    const tracked = files.filter((file) => keptIn(kept, file));
    return { kind: "in a work tree", folder: real, missing, tracked };
  } catch (error) {
    return { kind: "unknown", folder: real, reason: messageOf(error) };
  }
}

/**
 * Makes git ignore what is written into a folder. If git does not ignore it yet, a `.gitignore` is created
 * there, or the missing lines are appended to the existing one. It never throws: a rollback must not
 * fail because of it.
 * @returns a note for the user: what was done, or why it failed; undefined if nothing had to be done
 */
export async function keepFromGit(
  folder: string,
  kept: readonly Kept[],
): Promise<string | undefined> {
  const ignore = path.join(folder, ".gitignore");
  try {
    // A folder that Tenantry created: no need to run git.
    if ((await readIgnore(folder)).text === everything) return undefined;
    const view = await viewOfGit(folder, kept);
    if (view.kind === "outside") return undefined;
    const missing = view.kind === "unknown" ? await unwritten(view.folder, kept) : view.missing;
    if (missing.length === 0) return undefined;
    await addToIgnore(view.folder, kept, missing);
    const after = await viewOfGit(folder, kept);
    if (after.kind === "in a work tree" && after.missing.length > 0) {
      return `git does not ignore ${after.missing.join(", ")} in ${folder}, although ${ignore} has the patterns. These files hold rows of the database: run git check-ignore --verbose before git add`;
    }
    return `git did not ignore what is written into ${folder}, which holds rows of the database. The patterns were added to ${ignore}`;
  } catch (error) {
    return `git does not ignore the files that are written into ${folder}, which hold rows of the database, and ${ignore} could not be written: ${messageOf(error)}. Make git ignore them before git add`;
  }
}

const everything = "*\n";

/** Asks git about example paths, which need not exist; tracked files count too (--no-index). */
async function missingPatterns(git: SimpleGit, kept: readonly Kept[]): Promise<string[]> {
  const examples = kept.flatMap((one) => one.examples);
  const output = await git.raw(["check-ignore", "--no-index", "--", ...examples]);
  const ignored = new Set(output.split("\n"));
  return kept
    .filter((one) => one.examples.some((example) => !ignored.has(example)))
    .map(({ pattern }) => pattern);
}

/** The patterns that are not lines of the `.gitignore`, for when git itself cannot be run. */
async function unwritten(folder: string, kept: readonly Kept[]): Promise<string[]> {
  const lines = ((await readIgnore(folder)).text ?? "").split(/\r?\n/);
  if (lines.includes("*")) return [];
  return kept.map(({ pattern }) => pattern).filter((pattern) => !lines.includes(pattern));
}

/** The folder's `.gitignore`. Git does not read one that is a symbolic link, and its target may belong to others. */
async function readIgnore(
  folder: string,
): Promise<{ readonly kind: "none" | "file" | "no file"; readonly text?: string }> {
  const file = path.join(folder, ".gitignore");
  if (!(await readdir(folder)).includes(".gitignore")) return { kind: "none" };
  if (!(await lstat(file)).isFile()) return { kind: "no file" };
  return { kind: "file", text: await readFile(file, "utf8") };
}

async function addToIgnore(
  folder: string,
  kept: readonly Kept[],
  missing: readonly string[],
): Promise<void> {
  const file = path.join(folder, ".gitignore");
  const lines = missing.map((pattern) => `${pattern}\n`).join("");
  const { kind, text = "" } = await readIgnore(folder);
  switch (kind) {
    case "none": {
      // If the folder holds other files, only the patterns of Tenantry's files are written.
      const others = (await readdir(folder)).filter((name) => !keptIn(kept, name));
      return writeFile(file, others.length === 0 ? everything : lines, { flag: "wx" });
    }
    case "file":
      return writeFile(file, `${text === "" || text.endsWith("\n") ? "" : "\n"}${lines}`, {
        flag: "a",
      });
    case "no file":
      throw new Error("it is not a regular file");
    default:
      return kind satisfies never;
  }
}
