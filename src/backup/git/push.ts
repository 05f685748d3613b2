import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import type { SimpleGit } from "simple-git";
import { messageOf } from "../../errors.ts";
import { redacted } from "../../postgres/redaction.ts";
import { gitIn } from "./repository.ts";

/** What became of pushing a tag. */
export type Push =
  | { readonly kind: "pushed"; readonly remote: string }
  | { readonly kind: "no remote" }
  /** `command` pushes it later. */
  | { readonly kind: "not pushed"; readonly reason: string; readonly command: string };

const patienceInMilliseconds = 20_000;

/**
 * Pushes one tag, and nothing else, to where its branch is pushed. Never asks anybody for anything,
 * never overwrites, and never throws: what could not be pushed is said, with the command for it.
 */
export async function pushTag(
  folder: string,
  tag: string,
  timeoutInMilliseconds = patienceInMilliseconds,
): Promise<Push> {
  return whereRemote(folder, tag, async (git, remote) => {
    const environment = await environmentOf(git);
    const fault = await push(folder, environment, remote, tag, timeoutInMilliseconds);
    return fault === undefined
      ? { kind: "pushed", remote }
      : { kind: "not pushed", reason: fault, command: pushCommand(remote, tag) };
  });
}

/** Pushes nothing, and has the command for later, where there is a remote to push to. */
export async function holdTag(folder: string, tag: string, reason: string): Promise<Push> {
  return whereRemote(folder, tag, async (_git, remote) => ({
    kind: "not pushed",
    reason,
    command: pushCommand(remote, tag),
  }));
}

const pushCommand = (remote: string, tag: string) => `git push ${remote} refs/tags/${tag}`;

/** Works with the remote that a tag is for; what git refuses is why it was not pushed. */
async function whereRemote(
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
      const reason = `none of ${remotes.join(", ")} is the branch's, and none is named origin`;
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

/** Our own, without what would lead git to another repository, and with nobody to be asked. */
async function environmentOf(git: SimpleGit): Promise<NodeJS.ProcessEnv> {
  const environment: NodeJS.ProcessEnv = { ...process.env };
  const local = await git.raw(["rev-parse", "--local-env-vars"]);
  for (const name of local.split("\n")) {
    // A CI job's credentials may be in these.
    if (!name.startsWith("GIT_CONFIG")) delete environment[name];
  }
  // An ssh of the user's own finds no terminal either, for it is started without one.
  const ownSsh =
    environment["GIT_SSH_COMMAND"] ??
    environment["GIT_SSH"] ??
    (await git.raw(["config", "--get", "core.sshCommand"]));
  if (ownSsh === "") environment["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes";
  return {
    ...environment,
    GIT_TERMINAL_PROMPT: "0",
    // Set and empty, it keeps git from every other program that asks.
    GIT_ASKPASS: "",
    SSH_ASKPASS_REQUIRE: "never",
    GCM_INTERACTIVE: "never",
  };
}

/** The fault, or undefined where the remote has the tag now. */
async function push(
  folder: string,
  env: NodeJS.ProcessEnv,
  remote: string,
  tag: string,
  timeoutInMilliseconds: number,
): Promise<string | undefined> {
  const reference = `refs/tags/${tag}`;
  const what = ["--no-follow-tags", "--no-signed", "--recurse-submodules=no"];
  const child = spawn("git", ["push", ...what, "--", remote, `${reference}:${reference}`], {
    cwd: folder,
    env,
    stdio: ["ignore", "ignore", "pipe"],
    // A group and a session of its own: no terminal to ask on, and ended with all that it started.
    detached: true,
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    said = `${said}${chunk}`.slice(-longestFaultInCharacters);
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
  // ssh may leave a process behind that keeps the pipe open: so its end is not waited for.
  if (child.exitCode !== 0 && !timedOut) await Promise.race([once(child, "close"), sleep(200)]);
  child.stderr.destroy();
  if (timedOut) return `no answer within ${timeoutInMilliseconds / 1000} s`;
  if (child.exitCode === 0) return undefined;
  const lines = stripVTControlCharacters(redacted(said)).split("\n");
  return (
    lines
      .map((line) => line.trim())
      .filter(Boolean)
      .join("; ") || "git did not say why"
  );
}

const longestFaultInCharacters = 600;
