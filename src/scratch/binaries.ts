import { existsSync } from "node:fs";
import path from "node:path";
import { type EmbeddedBinaries, findEmbedded } from "./embedded.ts";
import { debianFolders, pathFolders, pgConfigFolders, programVersion } from "./program-folders.ts";
import { findServerUser, isReachable } from "./server-user.ts";

/** A folder of this machine with `initdb` and `postgres`. */
export type LocalBinaries = {
  readonly origin: "local";
  readonly major: number;
  readonly version: string;
  readonly folder: string;
};

export type ServerBinaries = LocalBinaries | EmbeddedBinaries;

/** The backfill's batches need TID range scans, which came with 14. */
const oldestMajor = 14;

async function findLocal(): Promise<LocalBinaries[]> {
  const user = await findServerUser();
  const folders = [...(await debianFolders()), ...(await pgConfigFolders()), ...pathFolders()];
  const found: LocalBinaries[] = [];
  for (const folder of new Set(folders)) {
    const postgres = path.join(folder, "postgres");
    if (!existsSync(postgres) || !existsSync(path.join(folder, "initdb"))) continue;
    if (!(await isReachable(postgres, user))) continue;
    const version = await programVersion(postgres);
    if (version !== undefined) found.push({ origin: "local", ...version, folder });
  }
  return found;
}

/**
 * Every server that can be started here, the newest first. Of the same major, those installed on
 * this machine come before those from npm.
 * @param options.major only this major
 * @param options.origin only those installed on this machine, or only those from npm
 */
export async function findServerBinaries(
  options: { readonly major?: number; readonly origin?: ServerBinaries["origin"] } = {},
): Promise<ServerBinaries[]> {
  const [local, embedded] = await Promise.all([
    options.origin === "embedded" ? [] : findLocal(),
    options.origin === "local" ? [] : findEmbedded(),
  ]);
  return [...local, ...embedded]
    .filter(({ major }) => major >= oldestMajor && major === (options.major ?? major))
    .sort((one, other) => other.major - one.major);
}
