import { afterAll } from "vitest";
import { findServerBinaries } from "../../src/scratch/binaries.ts";
import { type Server, startServer } from "../../src/scratch/server.ts";

/** The majors that tests of the server's versions run on. */
export const majors: readonly number[] = (process.env["TENANTRY_TEST_MAJORS"] ?? "14,15,16,17,18")
  .split(",")
  .map((part) => {
    const major = Number(part);
    if (!Number.isInteger(major)) throw new Error(`TENANTRY_TEST_MAJORS: not a major: ${part}`);
    return major;
  });

const servers = new Map<number, Promise<Server>>();

/** The server of a major: one for each test file, stopped at its end. */
export function serverOf(major: number): Promise<Server> {
  const started = servers.get(major) ?? startMajor(major);
  servers.set(major, started);
  return started;
}

async function startMajor(major: number): Promise<Server> {
  const [embedded] = await findServerBinaries({ major, origin: "embedded" });
  const binaries = embedded ?? (await findServerBinaries({ major }))[0];
  if (binaries === undefined) throw new Error(`no binaries of PostgreSQL ${major}`);
  return startServer({ binaries });
}

afterAll(async () => {
  await Promise.all([...servers.values()].map(async (server) => (await server).stop()));
});
