import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";

const debianFolder = "/usr/lib/postgresql";

/** Debian's folders of PostgreSQL programs: one for each installed major. */
export async function debianFolders(): Promise<string[]> {
  if (!existsSync(debianFolder)) return [];
  const majors = await readdir(debianFolder);
  return majors.map((major) => path.join(debianFolder, major, "bin"));
}

/** The folders on PATH. */
export function pathFolders(): string[] {
  return (process.env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
}

/** The folder that `pg_config` on PATH names; none where there is no pg_config. */
export async function pgConfigFolders(): Promise<string[]> {
  const { stdout, exitCode } = await execa("pg_config", ["--bindir"], { reject: false });
  return exitCode === 0 ? [stdout] : [];
}

/** The version that a PostgreSQL program prints, or undefined where it does not run. */
export async function programVersion(
  program: string,
): Promise<{ version: string; major: number } | undefined> {
  const { stdout, exitCode } = await execa(program, ["--version"], { reject: false });
  const version = exitCode === 0 ? /\d+(?:\.\d+)*/.exec(stdout)?.[0] : undefined;
  return version === undefined ? undefined : { version, major: Number.parseInt(version, 10) };
}
