import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { dumpDatabase } from "../../src/backup/dump/dump.ts";
import { clientProgramsForDump } from "../../src/backup/programs/client-programs.ts";
import { findPgDumps, type PgDump } from "../../src/backup/programs/pg-dump.ts";
import { temporaryFolder } from "./temporary-folder.ts";

vi.mock("../../src/backup/programs/pg-dump.ts", () => ({
  findPgDumps: vi.fn<() => Promise<PgDump[]>>(),
}));

async function dumpServer(serverMajor: number): Promise<unknown> {
  const folder = path.join(await temporaryFolder(), "dump");
  const target = { url: "postgresql://nobody:pass%20word@127.0.0.1:1/none" };
  const error = await dumpDatabase({
    target,
    path: folder,
    attempt: folder,
    jobs: 1,
    snapshot: "00000003-00000001-1",
    serverMajor,
  }).catch((caught: unknown) => caught);
  expect(existsSync(folder)).toBe(false);
  return error;
}

/** A pg_dump that cannot be started, with a pg_restore beside it. */
async function programOf(major: number): Promise<PgDump> {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, "pg_restore"), "");
  return { path: path.join(folder, "pg_dump"), major, version: `${major}.0` };
}

test("without pg_dump the error says how to get it", async () => {
  vi.mocked(findPgDumps).mockResolvedValue([]);
  expect(await dumpServer(17)).toMatchObject({
    code: "BACKUP_TOOL_MISSING",
    object: "pg_dump",
    fault: "not found on PATH",
    next: expect.stringContaining("apt-get install postgresql-client-17"),
  });
});

test("a pg_dump older than the server is refused with both versions", async () => {
  vi.mocked(findPgDumps).mockResolvedValue([await programOf(15)]);
  expect(await dumpServer(17)).toMatchObject({
    code: "BACKUP_TOOL_MISSING",
    fault: "version 15 refuses a server of version 17",
    next: expect.stringContaining("version 17 or later"),
  });
});

test("a dump is read by the pg_restore of the major that wrote it, else of the next", async () => {
  const programs = [await programOf(18), await programOf(17), await programOf(16)];
  vi.mocked(findPgDumps).mockResolvedValue(programs);
  const read = async (major: number) => (await clientProgramsForDump(major)).major;
  expect([await read(16), await read(17), await read(15)]).toEqual([16, 17, 16]);
});

test("a pg_dump that cannot be started is a failed backup", async () => {
  vi.mocked(findPgDumps).mockResolvedValue([await programOf(17)]);
  vi.stubEnv("PATH", "/nowhere");
  const error = await dumpServer(17);
  vi.unstubAllEnvs();
  expect(error).toMatchObject({
    code: "BACKUP_FAILED",
    details: [expect.stringContaining("pg_dump")],
  });
});

async function pretend(script: string): Promise<void> {
  const program = path.join(await temporaryFolder(), "pg_dump");
  await writeFile(path.join(path.dirname(program), "pg_restore"), "");
  await writeFile(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  vi.mocked(findPgDumps).mockResolvedValue([{ path: program, major: 17, version: "17.0" }]);
}

test("whatever pg_dump says, the password is not shown", async () => {
  await pretend("echo 'no entry for pass word here' >&2; exit 1");
  expect(await dumpServer(17)).toMatchObject({
    fault: "pg_dump failed",
    details: ["no entry for (password) here"],
  });
});

test("pg_dump gives way to what else runs on its machine", async () => {
  await pretend('echo "niceness $(nice)" >&2; exit 1');
  const own = os.getPriority();
  expect(await dumpServer(17)).toMatchObject({ details: [`niceness ${Math.min(own + 10, 19)}`] });
});

test("a pg_dump that was killed is told from one that failed", async () => {
  await pretend("kill -KILL $$");
  expect(await dumpServer(17)).toMatchObject({ fault: "pg_dump was killed by SIGKILL" });
});
