import { existsSync } from "node:fs";
import path from "node:path";
import { type SimpleGit, simpleGit } from "simple-git";
import { AppError } from "../errors.ts";
import type { StageName } from "../steps/stage.ts";

/** What became of the tag: a database without a repository beside it is no reason to stop. */
export type Tag =
  | {
      readonly kind: "tagged";
      readonly name: string;
      readonly commit: string;
      readonly uncommittedFiles: number;
    }
  | { readonly kind: "no git" }
  | { readonly kind: "no repository" }
  | { readonly kind: "no commits" };

/** `reuse` takes a stage's tag that marks this very commit; one of another commit gets a suffix. */
export type IfTagExists = "suffix" | "reuse" | "error";

/**
 * Tags the application's repository before a stage, under the plan's name: `before-multitenancy-day1`,
 * with -2, -3 and so on behind it where that is taken.
 * @throws AppError GIT_FAILED when git refuses, or the folder or the name will not do
 */
export async function tagRepository(
  folder: string,
  stage: StageName,
  message: string,
  ifTagExists: IfTagExists = "suffix",
): Promise<Tag> {
  try {
    // simple-git takes every GIT_ variable away; these are how a CI job says who it is.
    const git = simpleGit(folder, {
      allowEnvironment: ["GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"],
      trimmed: true,
    });
    if (!(await git.version()).installed) return { kind: "no git" };
    if (!isInRepository(path.resolve(folder)) || !(await git.checkIsRepo())) {
      return { kind: "no repository" };
    }
    const commit = await git.raw(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
    if (commit === "") return { kind: "no commits" };
    const uncommittedFiles = (await git.status()).files.length;
    const wanted = `before-multitenancy-${stage}`;
    const name = await tagHead(git, wanted, message, ifTagExists);
    return { kind: "tagged", name, commit, uncommittedFiles };
  } catch (error) {
    throw new AppError({
      code: "GIT_FAILED",
      object: folder,
      fault: `the repository could not be tagged: ${error instanceof Error ? error.message.trim() : String(error)}`,
      state: "nothing was changed: no tag, no stage",
      next: "mend what git says, or name another folder in the configuration's repository",
      cause: error,
    });
  }
}

/** Looked up here, because git says "not a git repository" in the user's language. */
function isInRepository(folder: string): boolean {
  const above = path.dirname(folder);
  return existsSync(path.join(folder, ".git")) || (above !== folder && isInRepository(above));
}

async function tagHead(
  git: SimpleGit,
  wanted: string,
  message: string,
  ifTagExists: IfTagExists,
): Promise<string> {
  const taken = await stageTags(git, wanted);
  if (ifTagExists === "error" && taken.includes(wanted)) {
    throw new Error(`the tag ${wanted} exists`);
  }
  const [here] = ifTagExists === "reuse" ? await stageTags(git, wanted, "--points-at=HEAD") : [];
  if (here !== undefined) return here;
  const name = freeName(wanted, taken);
  await git.raw([
    ...(await identity(git)),
    "tag",
    "--annotate",
    // A key that asks for its passphrase would stop a run that nobody watches.
    "--no-sign",
    // Otherwise lines that begin with # vanish from the message.
    "--cleanup=verbatim",
    `--message=${message}`,
    name,
  ]);
  return name;
}

/** The stage's tags, the latest first. */
async function stageTags(git: SimpleGit, wanted: string, ...which: string[]): Promise<string[]> {
  const names = await git.raw(["tag", "--sort=-version:refname", "--list", ...which, `${wanted}*`]);
  const ours = new RegExp(`^${wanted}(-\\d+)?$`);
  return names.split("\n").filter((name) => ours.test(name));
}

function freeName(wanted: string, taken: readonly string[]): string {
  if (!taken.includes(wanted)) return wanted;
  for (let number = 2; ; number += 1) {
    const name = `${wanted}-${number}`;
    if (!taken.includes(name)) return name;
  }
}

/** Whoever has told git no name and address tags as Tenantry; any other fault, the tag meets too. */
async function identity(git: SimpleGit): Promise<string[]> {
  return git.raw(["-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT"]).then(
    () => [],
    () => ["-c", "user.name=Tenantry", "-c", "user.email=tenantry@localhost"],
  );
}
