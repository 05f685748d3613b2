import { lstat, readdir, readFile, realpath, writeFile } from "node:fs/promises";
import path from "node:path";
import type { SimpleGit } from "simple-git";
import { messageOf } from "../../errors.ts";
import { type Kept, keptIn } from "./kept-names.ts";
import { gitIn, isInRepository } from "./repository.ts";

/** How git sees a folder that rows of the database are written into. */
export type GitView =
  /** No work tree holds the folder: nobody can add it to a repository. */
  | { readonly kind: "outside" }
  | {
      readonly kind: "in a work tree";
      /** Without symbolic links. */
      readonly folder: string;
      /** The patterns that are missing: `git add` would take what they are for. */
      readonly missing: readonly string[];
      /** Files of ours that git has already. */
      readonly tracked: readonly string[];
    }
  /** git is not installed, or refuses the repository. */
  | { readonly kind: "unknown"; readonly folder: string; readonly reason: string };

/** Looks at a folder that is there, and writes nothing. */
export async function viewOfGit(folder: string, kept: readonly Kept[]): Promise<GitView> {
  // git does not follow a link: what counts is where the files are.
  const place = await realpath(folder);
  if (!isInRepository(place)) return { kind: "outside" };
  try {
    const git = gitIn(place);
    if ((await git.raw(["rev-parse", "--is-inside-work-tree"])) !== "true") {
      return { kind: "outside" };
    }
    const missing = await missingPatterns(git, kept);
    const files = (await git.raw(["ls-files", "-z"])).split("\0").filter((file) => file !== "");
    const tracked = files.filter((file) => keptIn(kept, file));
    return { kind: "in a work tree", folder: place, missing, tracked };
  } catch (error) {
    return { kind: "unknown", folder: place, reason: messageOf(error) };
  }
}

/**
 * Sees to it that git ignores what is written into a folder. Where git does not, the folder gets a
 * `.gitignore`, or the one that is there gets the lines that it lacks at its end. It never throws: a
 * rollback must not fail for this.
 * @returns what was done, or why it could not be, for people; undefined where nothing was to be done
 */
export async function keepFromGit(
  folder: string,
  kept: readonly Kept[],
): Promise<string | undefined> {
  const ignore = path.join(folder, ".gitignore");
  try {
    // This is how Tenantry leaves a folder of its own: git need not be asked.
    if ((await readIgnore(folder)).text === everything) return undefined;
    const view = await viewOfGit(folder, kept);
    if (view.kind === "outside") return undefined;
    const missing = view.kind === "unknown" ? await unwritten(view.folder, kept) : view.missing;
    if (missing.length === 0) return undefined;
    await addToIgnore(view.folder, kept, missing);
    const after = await viewOfGit(folder, kept);
    if (after.kind === "in a work tree" && after.missing.length > 0) {
      return `git does not ignore ${after.missing.join(", ")} in ${folder}, whatever ${ignore} says: what is written there holds rows of the database, so look at git check-ignore --verbose before you git add`;
    }
    return `git did not ignore what is written into ${folder}, which holds rows of the database: ${ignore} says so now`;
  } catch (error) {
    return `git does not ignore what is written into ${folder}, which holds rows of the database, and ${ignore} could not be written: ${messageOf(error)}. Have git ignore it before you git add`;
  }
}

const everything = "*\n";

/** Asked for files that are not there, and whether git has them already or not. */
async function missingPatterns(git: SimpleGit, kept: readonly Kept[]): Promise<string[]> {
  const examples = kept.flatMap((one) => one.examples);
  const said = await git.raw(["check-ignore", "--no-index", "--", ...examples]);
  const ignored = new Set(said.split("\n"));
  return kept
    .filter((one) => one.examples.some((example) => !ignored.has(example)))
    .map(({ pattern }) => pattern);
}

/** What a `.gitignore` does not say word for word, where git cannot be asked what it means. */
async function unwritten(folder: string, kept: readonly Kept[]): Promise<string[]> {
  const lines = ((await readIgnore(folder)).text ?? "").split(/\r?\n/);
  if (lines.includes("*")) return [];
  return kept.map(({ pattern }) => pattern).filter((pattern) => !lines.includes(pattern));
}

/** The folder's own `.gitignore`: git reads none that is a symbolic link, whose goal may be anybody's. */
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
      // Beside files of others, all of which git must go on to see, it names ours alone.
      const others = (await readdir(folder)).filter((name) => !keptIn(kept, name));
      return writeFile(file, others.length === 0 ? everything : lines, { flag: "wx" });
    }
    case "file":
      return writeFile(file, `${text === "" || text.endsWith("\n") ? "" : "\n"}${lines}`, {
        flag: "a",
      });
    case "no file":
      throw new Error("it is no regular file");
    default:
      return kind satisfies never;
  }
}
