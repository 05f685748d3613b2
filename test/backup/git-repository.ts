import { execa } from "execa";
import { beforeEach, vi } from "vitest";
import { temporaryFolder } from "./temporary-folder.ts";

/** To be called once in a file: no test sees the configuration of whoever runs it, nor their name. */
export function withoutOwnConfiguration(): void {
  beforeEach(async () => {
    vi.stubEnv("HOME", await temporaryFolder());
    vi.stubEnv("XDG_CONFIG_HOME", undefined);
    vi.stubEnv("GIT_CONFIG_NOSYSTEM", "1");
    return () => vi.unstubAllEnvs();
  });
}

export async function git(folder: string, ...args: readonly string[]): Promise<string> {
  return (await execa("git", args, { cwd: folder })).stdout;
}

/** Commits nothing; gives the commit. */
export async function commit(folder: string): Promise<string> {
  const someone = ["-c", "user.name=Someone", "-c", "user.email=someone@example.com"];
  await git(folder, ...someone, "commit", "--allow-empty", "--message=work");
  return git(folder, "rev-parse", "HEAD");
}

export async function makeRepository(): Promise<string> {
  const folder = await temporaryFolder();
  await git(folder, "init", "--initial-branch=main");
  return folder;
}
