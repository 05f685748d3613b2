import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import type { SimpleGit } from "simple-git";
import { messageOf } from "../../errors.ts";
import { redacted } from "../../postgres/redaction.ts";
import { gitIn } from "./repository.ts";

/** The result of pushing a tag. */
export type Push =
  | { readonly kind: "pushed"; readonly remote: string }
  | { readonly kind: "no remote" }
  /** `command` pushes the tag later. */
  | { readonly kind: "not pushed"; readonly reason: string; readonly command: string };

const pushTimeoutInMilliseconds = 20_000;

/**
 * Pushes one tag, and nothing else, to the remote of its branch. It asks for no password, overwrites
 * nothing and never throws: where the push fails, it returns the reason and the command to push later.
 */
export async function pushTag(
  folder: string,
  tag: string,
  timeoutInMilliseconds = pushTimeoutInMilliseconds,
): Promise<Push> {
  return withRemote(folder, tag, async (git, remote) => {
    const environment = await environmentOf(git);
    const fault = await push({ folder, environment, remote, tag, timeoutInMilliseconds });
    return fault === undefined
      ? { kind: "pushed", remote }
      : { kind: "not pushed", reason: fault, command: pushCommand(remote, tag) };
  });
}

/** Pushes nothing. Where there is a remote, it returns the command to push later. */
export async function holdTag(folder: string, tag: string, reason: string): Promise<Push> {
  return withRemote(folder, tag, async (_git, remote) => ({
    kind: "not pushed",
    reason,
    command: pushCommand(remote, tag),
  }));
}

const pushCommand = (remote: string, tag: string) => `git push ${remote} refs/tags/${tag}`;

/** Works with the remote of the branch. An error of git becomes the reason why the tag was not pushed. */
async function withRemote(
  folder: string,
  tag: string,
  work: (git: SimpleGit, remote: string) => Promise<Push>,
): Promise<Push> {
  let remote = "<remote>";
  try {
    const git = gitIn(folder);
    const remotes = (await git.raw(["remote"])).split("\n").filter((name) => name !== "");
    if (remotes.length === 0) return { kind: "no remote" };
    const chosen = await chooseRemote(git, remotes);
    if (chosen === undefined) {
      const reason = `the branch has no upstream, and none of the remotes ${remotes.join(", ")} is named origin`;
      return { kind: "not pushed", reason, command: pushCommand(remote, tag) };
    }
    remote = chosen;
    return await work(git, remote);
  } catch (error) {
    const reason = redacted(messageOf(error).trim());
    return { kind: "not pushed", reason, command: pushCommand(remote, tag) };
  }
}

/** The branch's upstream remote, else `origin`, else the only one. */
async function chooseRemote(
  git: SimpleGit,
  remotes: readonly string[],
): Promise<string | undefined> {
  const branch = await git.raw(["symbolic-ref", "--quiet", "HEAD"]);
  const upstream =
    branch === "" ? "" : await git.raw(["for-each-ref", "--format=%(upstream:remotename)", branch]);
  const [only, ...others] = remotes;
  return (
    remotes.find((name) => name === upstream) ??
    remotes.find((name) => name === "origin") ??
    (others.length === 0 ? only : undefined)
  );
}

/** This process's environment, without variables that name another repository, and without prompts. */
async function environmentOf(git: SimpleGit): Promise<NodeJS.ProcessEnv> {
  const environment: NodeJS.ProcessEnv = { ...process.env };
  const local = await git.raw(["rev-parse", "--local-env-vars"]);
  for (const name of local.split("\n")) {
    // A CI job's credentials may be in these.
    if (!name.startsWith("GIT_CONFIG")) delete environment[name];
  }
  // A configured ssh command stays. It cannot prompt, because it is started without a terminal.
  const ownSsh =
    environment["GIT_SSH_COMMAND"] ??
    environment["GIT_SSH"] ??
    (await git.raw(["config", "--get", "core.sshCommand"]));
  if (ownSsh === "") environment["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes";
  return {
    ...environment,
    GIT_TERMINAL_PROMPT: "0",
    // Set but empty: git then starts no other program that prompts.
    GIT_ASKPASS: "",
    SSH_ASKPASS_REQUIRE: "never",
    GCM_INTERACTIVE: "never",
  };
}

type PushRequest = {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly remote: string;
  readonly tag: string;
  readonly timeoutInMilliseconds: number;
};

/** @returns why the push failed, or undefined where the remote has the tag now */
async function push(request: PushRequest): Promise<string | undefined> {
  const { folder, environment, remote, tag, timeoutInMilliseconds } = request;
  const reference = `refs/tags/${tag}`;
  const options = ["--no-follow-tags", "--no-signed", "--recurse-submodules=no"];
  const child = spawn("git", ["push", ...options, "--", remote, `${reference}:${reference}`], {
    cwd: folder,
    env: environment,
    stdio: ["ignore", "ignore", "pipe"],
    // A new session: git has no terminal to prompt on, and the whole process group can be ended.
    detached: true,
  });
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    output = `${output}${chunk}`.slice(-longestFaultInCharacters);
  });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  }, timeoutInMilliseconds);
  try {
    await once(child, "exit");
  } finally {
    clearTimeout(timer);
  }
  // ssh may leave a process behind that keeps the pipe open, so wait for its end only briefly.
  if (child.exitCode !== 0 && !timedOut) await Promise.race([once(child, "close"), sleep(200)]);
  child.stderr.destroy();
  if (timedOut) return `no answer within ${timeoutInMilliseconds / 1000} s`;
  if (child.exitCode === 0) return undefined;
  const lines = stripVTControlCharacters(redacted(output)).split("\n");
  return (
    lines
      .map((line) => line.trim())
      .filter(Boolean)
      .join("; ") || "git printed no reason"
  );
}

const longestFaultInCharacters = 600;
