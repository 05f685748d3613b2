import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { expect, test, vi } from "vitest";
import { longTransactions } from "../../src/check/activity/long-transactions.ts";
import { openSession } from "../../src/postgres/connection.ts";
import { findServerBinaries } from "../../src/scratch/binaries.ts";
import { serverOf } from "../setup/majors.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { company, emptyFolder, execute, findings, look, ownServer } from "./server.ts";

test("a transaction that nobody ends is named with its session", async () => {
  const { url, session } = await company("long");
  const idler = await openSession({ url }, "the idle report");
  await execute(idler, "BEGIN", "SELECT 1");
  const only = [longTransactions(0)];
  // The test's own session is in none.
  const [found, ...others] = await look({ url }, { only });
  expect(others).toEqual([]);
  expect(found).toMatchObject({
    severity: "advisory",
    object: `session ${idler.backend} of postgres (the idle report)`,
    fact: expect.stringMatching(/^idle in transaction, in a transaction for \d+ ms$/),
  });
  expect(await look({ url }, { only: [longTransactions()] })).toEqual([]);
  await execute(session, found?.fix.replace("wait until it ends, or ", "") ?? "");
  await vi.waitFor(async () => expect(await look({ url }, { only })).toEqual([]));
});

test("a prepared transaction blocks where it holds a lock on a table, and is told by its name", async () => {
  const { url, session } = await company("prepared");
  await execute(
    session,
    "BEGIN",
    "INSERT INTO settings VALUES ('new', 'value')",
    "PREPARE TRANSACTION 'it''s forgotten'",
    "BEGIN",
    "INSERT INTO person VALUES (99, 'elsewhere')",
    "PREPARE TRANSACTION 'elsewhere'",
  );
  const found = await findings("prepared-transactions", { url });
  expect(found.map(({ severity }) => severity)).toEqual(["blocking", "advisory"]);
  expect(found[0]?.says).toMatch(/^it's forgotten: .* ago and holds locks on public.settings$/);
  for (const { fix } of found) await execute(session, fix.split(", or ")[0] ?? "");
  expect(await findings("prepared-transactions", { url })).toEqual([]);
});

test("a slot that nobody reads is named with the write-ahead log that it keeps", async () => {
  const { url, session } = await company("slots");
  await execute(session, "SELECT pg_create_physical_replication_slot('left_behind', TRUE)");
  const [found] = await findings("replication-slots", { url });
  expect(found?.says).toMatch(/^left_behind: the slot is inactive and retains /);
  await execute(session, found?.fix.split(", or ")[1] ?? "");
  expect(await findings("replication-slots", { url })).toEqual([]);
});

test("an archive_command that fails is named until it does not", async () => {
  const { url, session } = await company("archiving");
  expect(await findings("archiving", { url })).toEqual([]);
  const archive = async (command: string) =>
    execute(
      session,
      `ALTER SYSTEM SET archive_command = '${command}'`,
      "SELECT pg_reload_conf()",
      "CREATE TABLE IF NOT EXISTS written (id int)",
      "INSERT INTO written VALUES (1)",
      "SELECT pg_switch_wal()",
    );
  await archive("false");
  const says = expect.stringMatching(
    /^archive_command: failed for \w+ at .*Z, \d+ times in total$/,
  );
  await vi.waitFor(
    async () =>
      expect(await findings("archiving", { url })).toMatchObject([{ severity: "advisory", says }]),
    { timeout: 20_000, interval: 300 },
  );
  await archive("true");
  await vi.waitFor(async () => expect(await findings("archiving", { url })).toEqual([]), {
    // A command that failed three times is tried again after a minute, or when a file is ready.
    timeout: 90_000,
    interval: 300,
  });
}, 120_000);

test("more tables than pg_dump can lock are counted", async () => {
  const { url, session } = await company("locks");
  const make = (count: number) =>
    Array.from({ length: count }, (_, table) => `CREATE TABLE IF NOT EXISTS many.t${table} ()`);
  await execute(session, "CREATE SCHEMA many", ...make(130));
  expect(await findings("locks", { url })).toMatchObject([{ severity: "advisory" }]);
  await execute(session, ...make(260));
  expect(await findings("locks", { url })).toMatchObject([
    {
      severity: "blocking",
      says: "max_locks_per_transaction: the server has room for 250 locks, and the database has 264 tables",
    },
  ]);
});

test("what attempts before left is found: a backup, a restore, a journal of another version, a run", async () => {
  const { url, session } = await company("leftovers");
  const folder = await emptyFolder();
  const attempt = path.join(folder, "backups", "day1-20260101T000000Z.partial");
  await mkdir(attempt, { recursive: true });
  const [backup] = await findings("unfinished-backups", { url }, { folder });
  expect(backup?.says).toContain(`${attempt}: is not a complete backup`);
  await execa("sh", ["-c", backup?.fix.split(": ")[1] ?? "false"]);
  expect(await findings("unfinished-backups", { url }, { folder })).toEqual([]);

  await execute(session, "CREATE DATABASE leftovers_being_restored");
  const [restored] = await findings("unfinished-restores", { url });
  expect(restored?.says).toMatch(/^leftovers_being_restored: /);
  await execute(session, restored?.fix.split(": ")[1] ?? "");
  expect(await findings("unfinished-restores", { url })).toEqual([]);

  const project = await makeProject(url, smallCompany);
  expect(await project.tenantry("run", "--stage", "day1", "--yes")).toMatchObject({ code: 0 });
  expect(await findings("journal", { url })).toEqual([]);
  await execute(session, "UPDATE tenantry.run SET state = 'rolling back'");
  expect(await findings("journal", { url })).toMatchObject([
    {
      severity: "advisory",
      says: expect.stringMatching(/^day1: has been rolling back since .*, started by postgres$/),
      fix: "tenantry rollback --stage day1 resumes it",
    },
  ]);
  await execute(session, "UPDATE tenantry.run SET state = 'applied'");
  // Day 2 and Day 3 are ahead of it: what Day 1 made is in nobody's way.
  const between = await project.tenantry("check");
  expect(between).toMatchObject({ code: 0 });
  await execute(session, "UPDATE tenantry.journal SET version = 99");
  expect(await findings("journal", { url })).toMatchObject([
    { severity: "blocking", says: expect.stringContaining("is of version 99") },
  ]);
});

test("a disk without room for the backup is found before the backup is begun", async () => {
  const { url } = await company("full");
  // Of this one the system says that nothing is left.
  const config = { ...smallCompany, backups: { folder: "/proc" } };
  expect(await findings("backup-space", { url }, { config })).toMatchObject([
    { severity: "blocking", says: expect.stringMatching(/^\/proc: its disk has 0 B left/) },
  ]);
  expect(await findings("backup-space", { url })).toEqual([]);
});

test("a backups.folder that is none is found", async () => {
  const { url } = await company("no folder");
  const folder = await emptyFolder();
  await writeFile(path.join(folder, "backups"), "");
  expect(await findings("backup-folder", { url }, { folder })).toMatchObject([
    { severity: "blocking", says: expect.stringContaining("is not a folder") },
  ]);
  await rm(path.join(folder, "backups"));
  expect(await findings("backup-folder", { url }, { folder })).toEqual([]);
});

const newer = (await findServerBinaries()).find(({ major }) => major > 17);
const olderDump = (await execa("pg_dump", ["--version"], { reject: false })).stdout.includes(
  " 15.",
);

test.skipIf(newer === undefined || !olderDump)(
  "a pg_dump that is older than the server is found",
  async () => {
    const server = await serverOf(newer?.major ?? 18);
    expect(await findings("client-programs", { url: server.url })).toMatchObject([
      { severity: "blocking", says: expect.stringContaining("refuses a server of version") },
    ]);
    expect(await findings("client-programs", { url: (await ownServer()).url })).toEqual([]);
  },
);

test("a pg_dump whose backups the server would refuse at restore is found", async () => {
  const { url } = await serverOf(16);
  const folder = await emptyFolder();
  const program = path.join(folder, "pg_dump");
  await writeFile(path.join(folder, "pg_restore"), "");
  const pretend = (version: string) =>
    writeFile(program, `#!/bin/sh\necho 'pg_dump (PostgreSQL) ${version}'\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${folder}${path.delimiter}${process.env["PATH"]}`);
  try {
    await pretend("17.4");
    expect(await findings("client-programs", { url })).toMatchObject([
      {
        severity: "blocking",
        says: `${program}: is version 17, and the server is version 16`,
        fix: expect.stringContaining("postgresql-client-16"),
      },
    ]);
    await pretend("16.4");
    expect(await findings("client-programs", { url })).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
  }
});

test.each([14, 16, 17, 18])(
  "every check can be asked of PostgreSQL %i, as a role that is no superuser",
  async (major) => {
    const { url } = await serverOf(major);
    const session = await openSession({ url });
    await makeSmallCompany(session, 10);
    await execute(
      session,
      "CREATE ROLE anybody LOGIN",
      ...(major > 16 ? ["ALTER ROLE anybody SET transaction_timeout = '1h'"] : []),
      ...(major > 15 ? ["GRANT small_company_app TO anybody WITH SET FALSE"] : []),
    );
    await session.close();
    const role = new URL(url);
    role.username = "anybody";
    const found = await look({ url: role.href });
    expect(found.filter(({ fact }) => fact.startsWith("could not be checked"))).toEqual([]);
    const checked = found.map(({ id }) => id);
    expect(checked).toContain("impersonation");
    expect(checked.includes("timeouts")).toBe(major > 16);
  },
);
