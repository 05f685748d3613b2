import { type SimpleGit, simpleGit } from "simple-git";
import { AppError } from "../errors.ts";
import type { StageName } from "../steps/stage.ts";

/** What became of the tag: a database without a repository beside it is no reason to stop. */
export type Tag =
  | { readonly kind: "tagged"; readonly name: string; readonly uncommittedFiles: number }
  | { readonly kind: "no git" }
  | { readonly kind: "no repository" }
  | { readonly kind: "no commits" };

/**
 * Tags the application's repository before a stage, under the plan's name: `before-multitenancy-day1`,
 * with -2, -3 and so on behind it where that is taken.
 * @throws AppError GIT_FAILED when git refuses
 */
export async function tagRepository(
  folder: string,
  stage: StageName,
  message: string,
): Promise<Tag> {
  const git = simpleGit(folder);
  const { installed } = await git.version();
  if (!installed) return { kind: "no git" };
  try {
    if (!(await git.checkIsRepo())) return { kind: "no repository" };
    if (!(await hasCommits(git))) return { kind: "no commits" };
    const name = freeName(`before-multitenancy-${stage}`, (await git.tags()).all);
    // git drops lines that begin with # from a message; whoever has no identity tags as Tenantry.
    const identity = await identityFor(git);
    await git.raw([
      ...identity,
      "tag",
      "--annotate",
      "--cleanup=verbatim",
      "--message",
      message,
      name,
    ]);
    const { files } = await git.status();
    return { kind: "tagged", name, uncommittedFiles: files.length };
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

async function hasCommits(git: SimpleGit): Promise<boolean> {
  const count = await git.raw(["rev-list", "--all", "--max-count=1"]);
  return count.trim() !== "";
}

function freeName(wanted: string, taken: readonly string[]): string {
  if (!taken.includes(wanted)) return wanted;
  for (let number = 2; ; number += 1) {
    const name = `${wanted}-${number}`;
    if (!taken.includes(name)) return name;
  }
}

async function identityFor(git: SimpleGit): Promise<string[]> {
  const [name, email] = await Promise.all([
    git.getConfig("user.name"),
    git.getConfig("user.email"),
  ]);
  if (name.value !== null && email.value !== null) return [];
  return ["-c", "user.name=Tenantry", "-c", "user.email=tenantry@localhost"];
}
