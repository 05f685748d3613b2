import { afterAll } from "vitest";
import { findServerBinaries, type ServerBinaries } from "../../src/scratch/binaries.ts";
import { type Server, startServer } from "../../src/scratch/server.ts";
import { thorough } from "./thorough.ts";

/** The majors that tests of the server's versions run on. */
export const majors: readonly number[] = (process.env["TENANTRY_TEST_MAJORS"] ?? "14,15,16,17,18")
  .split(",")
  .map((part) => {
    const major = Number(part);
    if (!Number.isInteger(major)) throw new Error(`TENANTRY_TEST_MAJORS: not a major: ${part}`);
    return major;
  });

/** For what depends on the server little: the others are in `npm run test:matrix`, or named. */
export const oldestAndNewest: readonly number[] =
  process.env["TENANTRY_TEST_MAJORS"] === undefined
    ? majors.filter((_, index) => index === 0 || index === majors.length - 1)
    : majors;

const found = await findServerBinaries();

/** The server of a major from npm, or else the machine's own. */
function binariesOf(major: number): ServerBinaries {
  const own = found.filter((one) => one.major === major);
  const binaries = own.find(({ origin }) => origin === "embedded") ?? own[0];
  if (binaries === undefined) throw new Error(`no binaries of PostgreSQL ${major}`);
  return binaries;
}

/** Two minors of one major: the one from npm, and the machine's own, which its packages update. */
export type Minors = { readonly older: ServerBinaries; readonly newer: ServerBinaries };

/** The first major of which there are two minors here, or undefined. */
export function findMinors(): Minors | undefined {
  const pairs = found.flatMap((newer): Minors[] => {
    const older = found.find(({ major, origin }) => major === newer.major && origin === "embedded");
    if (newer.origin !== "local" || older === undefined) return [];
    return minorOf(older) < minorOf(newer) ? [{ older, newer }] : [];
  });
  return pairs[0];
}

function minorOf({ version }: ServerBinaries): number {
  return Number(version.split(/[.-]/)[1]);
}

/** A server that tests of the server's versions run on, known by its major and minor. */
export type Version = {
  readonly version: string;
  readonly major: number;
  start(): Promise<Server>;
};

const takesAll = thorough || process.env["TENANTRY_TEST_MAJORS"] !== undefined;

/**
 * One of each major, and the machine's own where its minor is another one. `npm test` takes the oldest, the
 * newest, and the machine's own major; `npm run test:matrix` takes all.
 */
export const versions: readonly Version[] = majors.filter(isTried).flatMap((major) => {
  const own = found.filter((one) => one.major === major);
  const local = own.filter(({ origin }) => origin === "local");
  // Two minors of one major are in the tests of minors.
  const all = local.length > 0 && !takesAll ? local : [binariesOf(major), ...own];
  const byMinor = new Map(all.toReversed().map((one) => [minorOf(one), one]));
  return [...byMinor.entries()].map(([minor, binaries]) => ({
    version: `${major}.${minor}`,
    major,
    start: () => serverWith(binaries),
  }));
});

function isTried(major: number): boolean {
  if (takesAll) return true;
  const isOwn = found.some((one) => one.major === major && one.origin === "local");
  return isOwn || oldestAndNewest.includes(major);
}

const servers = new Map<ServerBinaries, Promise<Server>>();

/** The server of a major: one for each test file, stopped at its end. */
export async function serverOf(major: number): Promise<Server> {
  return serverWith(binariesOf(major));
}

/** The server of these binaries: one for each test file, stopped at its end. */
export function serverWith(binaries: ServerBinaries): Promise<Server> {
  const started = servers.get(binaries) ?? startServer({ binaries });
  servers.set(binaries, started);
  return started;
}

/** A server of the file's own, for tests that change roles: all databases of a server share them. */
export function ownServer(): Promise<Server> {
  const binaries = found.find(({ origin }) => origin === "local") ?? found[0];
  if (binaries === undefined) throw new Error("no binaries of PostgreSQL");
  return serverWith(binaries);
}

afterAll(async () => {
  await Promise.all([...servers.values()].map(async (server) => (await server).stop()));
});
