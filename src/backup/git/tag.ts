import type { SimpleGit } from "simple-git";
import { AppError, messageOf } from "../../errors.ts";
import type { RunName } from "../../steps/model/stage.ts";
import { type NoRepository, openRepository, type Repository, type Tree } from "./repository.ts";

/** The tag that was made, or why there is none. */
export type Tag =
  | {
      readonly kind: "tagged";
      readonly name: string;
      readonly commit: string;
      readonly tree: Tree;
    }
  | NoRepository;

/** `reuse` uses a stage's tag of the same commit; if the tag is of another commit, the new one gets a suffix. */
export type IfTagExists = "reuse" | "suffix" | "error";

export type TagRequest = {
  /** A folder in the application's repository. */
  readonly folder: string;
  readonly stage: RunName;
  readonly ifTagExists: IfTagExists;
  /** Whether the stage stops if there is nothing to tag. */
  readonly required: boolean;
};

/**
 * Tags the application's repository before a stage, under the plan's name `before-multitenancy-day1`, or
 * with the suffix -2, -3 and so on if that tag exists.
 * @param message the annotation, which can mention uncommitted files
 * @throws AppError GIT_FAILED when git refuses, the folder or the name is not allowed, or a tag is
 * required and there is nothing to tag
 */
export function tagRepository(request: TagRequest, message: (tree: Tree) => string): Promise<Tag> {
  return withGitErrors(request.folder, async () => {
    const found = await openTaggable(request);
    if (found.kind !== "repository") return found;
    const { git, commit, tree } = found;
    const reused =
      request.ifTagExists === "reuse" ? await annotatedTag(git, request.stage) : undefined;
    if (reused !== undefined) return { kind: "tagged", name: reused, commit, tree };
    const name = freeName(request.stage, (await stageTags(git, request.stage)).map(nameOf));
    await annotate(git, name, commit, message(tree));
    return { kind: "tagged", name, commit, tree };
  });
}

/**
 * Checks that a stage's tag can be made, before the stage begins.
 * @throws AppError GIT_FAILED as `tagRepository` would
 */
export async function refuseUntaggable(request: TagRequest): Promise<void> {
  await withGitErrors(request.folder, () => openTaggable(request));
}

async function openTaggable(request: TagRequest): Promise<Repository | NoRepository> {
  const { folder, stage, ifTagExists, required } = request;
  const found = await openRepository(folder);
  if (found.kind !== "repository") {
    if (required) {
      throw gitFailed(
        folder,
        `${whyNoTag(found)}, and a tag is required`,
        "set git.repository to the application's repository, or remove git.required, in the configuration",
      );
    }
    return found;
  }
  const wanted = tagName(stage);
  if (ifTagExists === "error" && (await stageTags(found.git, stage)).map(nameOf).includes(wanted)) {
    throw gitFailed(
      folder,
      `the tag ${wanted} already exists`,
      `see it with git show ${wanted}; then delete it with git tag --delete ${wanted}, or keep it with git.ifTagExists: "suffix" in the configuration`,
    );
  }
  return found;
}

/** Why there is no tag, in words. */
export function whyNoTag({ kind }: NoRepository): string {
  switch (kind) {
    case "no git":
      return "git is not installed";
    case "no repository":
      return "the folder is not in a git repository";
    case "no commits":
      return "the repository has no commit";
    default:
      return kind satisfies never;
  }
}

async function annotate(
  git: SimpleGit,
  name: string,
  commit: string,
  message: string,
): Promise<void> {
  await git.raw([
    ...(await identity(git)),
    "tag",
    "--annotate",
    // A key that asks for its passphrase would block a run without a terminal.
    "--no-sign",
    // Otherwise git removes lines that begin with # from the message.
    "--cleanup=verbatim",
    `--message=${message}`,
    name,
    commit,
  ]);
  // simple-git treats a failure without output as success.
  const made = await git.raw(["rev-parse", "--verify", "--quiet", `refs/tags/${name}^{commit}`]);
  if (made !== commit) throw new Error(`git did not make the tag ${name}, and printed no reason`);
}

type StageTag = { readonly kind: string; readonly name: string };

const nameOf = ({ name }: StageTag): string => name;

const tagName = (stage: RunName): string => `before-multitenancy-${stage}`;

/** The stage's tags, the latest first. */
async function stageTags(git: SimpleGit, stage: RunName, ...which: string[]): Promise<StageTag[]> {
  const wanted = tagName(stage);
  const lines = await git.raw([
    "for-each-ref",
    "--sort=-version:refname",
    "--format=%(objecttype) %(refname:strip=2)",
    ...which,
    `refs/tags/${wanted}*`,
  ]);
  const ours = new RegExp(`^(\\w+) (${wanted}(?:-\\d+)?)$`);
  return lines.split("\n").flatMap((line) => {
    const [, kind, name] = ours.exec(line) ?? [];
    return kind === undefined || name === undefined ? [] : [{ kind, name }];
  });
}

/** The stage's latest annotated tag of this commit. Tenantry makes no lightweight tags. */
async function annotatedTag(git: SimpleGit, stage: RunName): Promise<string | undefined> {
  const here = await stageTags(git, stage, "--points-at=HEAD");
  return here.find(({ kind }) => kind === "tag")?.name;
}

function freeName(stage: RunName, taken: readonly string[]): string {
  const wanted = tagName(stage);
  if (!taken.includes(wanted)) return wanted;
  for (let number = 2; ; number += 1) {
    const name = `${wanted}-${number}`;
    if (!taken.includes(name)) return name;
  }
}

/** If git has no user name and address, the tag is Tenantry's. Any other error occurs again when tagging. */
async function identity(git: SimpleGit): Promise<string[]> {
  return git.raw(["-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT"]).then(
    () => [],
    () => ["-c", "user.name=Tenantry", "-c", "user.email=tenantry@localhost"],
  );
}

async function withGitErrors<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError) throw error;
    const reason = messageOf(error).trim();
    throw gitFailed(
      folder,
      `the repository could not be tagged: ${reason}`,
      "fix what git reports, or set git.repository to another folder in the configuration",
      error,
    );
  }
}

function gitFailed(folder: string, fault: string, next: string, cause?: unknown): AppError {
  return new AppError({
    code: "GIT_FAILED",
    object: folder,
    fault,
    state: "nothing was changed: the stage was not started",
    next,
    cause,
  });
}
