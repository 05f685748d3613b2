import type { SimpleGit } from "simple-git";
import { AppError, messageOf } from "../../errors.ts";
import type { StageName } from "../../steps/model/stage.ts";
import { type NoRepository, openRepository, type Repository, type Tree } from "./repository.ts";

/** What became of the tag. */
export type Tag =
  | {
      readonly kind: "tagged";
      readonly name: string;
      readonly commit: string;
      readonly tree: Tree;
    }
  | NoRepository;

/** `reuse` takes a stage's tag that marks this very commit; one of another commit gets a suffix. */
export type IfTagExists = "reuse" | "suffix" | "error";

export type TagRequest = {
  /** A folder in the application's repository. */
  readonly folder: string;
  readonly stage: StageName;
  readonly ifTagExists: IfTagExists;
  /** Whether a tag that cannot be made stops the stage. */
  readonly required: boolean;
};

/**
 * Tags the application's repository before a stage, under the plan's name: `before-multitenancy-day1`,
 * with -2, -3 and so on behind it where that is taken.
 * @param message the annotation, which may say what the tag does not hold
 * @throws AppError GIT_FAILED when git refuses, the folder or the name will not do, or a tag is
 * required and there is nothing to tag
 */
export function tagRepository(request: TagRequest, message: (tree: Tree) => string): Promise<Tag> {
  return sayingWhere(request.folder, async () => {
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
 * Whether a stage's tag could be made, asked before anything is begun.
 * @throws AppError GIT_FAILED as `tagRepository` would
 */
export async function refuseUntaggable(request: TagRequest): Promise<void> {
  await sayingWhere(request.folder, () => openTaggable(request));
}

async function openTaggable(request: TagRequest): Promise<Repository | NoRepository> {
  const { folder, stage, ifTagExists, required } = request;
  const found = await openRepository(folder);
  if (found.kind !== "repository") {
    if (required) {
      throw gitFailed(
        folder,
        `${whyNoTag(found)}, and a tag is required`,
        "name the application's repository in the configuration's git.repository, or take git.required away",
      );
    }
    return found;
  }
  const wanted = tagName(stage);
  if (ifTagExists === "error" && (await stageTags(found.git, stage)).map(nameOf).includes(wanted)) {
    throw gitFailed(
      folder,
      `the tag ${wanted} exists`,
      `look at it with git show ${wanted}; git tag --delete ${wanted} takes it away, and git.ifTagExists: "suffix" leaves it`,
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
      return "the folder is no repository";
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
    // A key that asks for its passphrase would stop a run that nobody watches.
    "--no-sign",
    // Otherwise lines that begin with # vanish from the message.
    "--cleanup=verbatim",
    `--message=${message}`,
    name,
    commit,
  ]);
  // simple-git takes a failure that says nothing for success.
  const made = await git.raw(["rev-parse", "--verify", "--quiet", `refs/tags/${name}^{commit}`]);
  if (made !== commit) throw new Error(`git made no tag ${name}, and did not say why`);
}

type StageTag = { readonly kind: string; readonly name: string };

const nameOf = ({ name }: StageTag): string => name;

const tagName = (stage: StageName): string => `before-multitenancy-${stage}`;

/** The stage's tags, the latest first. */
async function stageTags(
  git: SimpleGit,
  stage: StageName,
  ...which: string[]
): Promise<StageTag[]> {
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

/** The stage's latest tag of this commit that says something: a lightweight one is somebody else's. */
async function annotatedTag(git: SimpleGit, stage: StageName): Promise<string | undefined> {
  const here = await stageTags(git, stage, "--points-at=HEAD");
  return here.find(({ kind }) => kind === "tag")?.name;
}

function freeName(stage: StageName, taken: readonly string[]): string {
  const wanted = tagName(stage);
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

async function sayingWhere<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError) throw error;
    const said = messageOf(error).trim();
    throw gitFailed(
      folder,
      `the repository could not be tagged: ${said}`,
      "fix what git says, or name another folder in the configuration's git.repository",
      error,
    );
  }
}

function gitFailed(folder: string, fault: string, next: string, cause?: unknown): AppError {
  return new AppError({
    code: "GIT_FAILED",
    object: folder,
    fault,
    state: "nothing was changed: no tag, no stage",
    next,
    cause,
  });
}
