import { existsSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { type BackupRequest, backUp } from "../../src/backup/backup.ts";
import { parts } from "../../src/backup/folder/layout.ts";
import { readManifest, verifyBackup } from "../../src/backup/folder/manifest.ts";
import { findPgDump } from "../../src/backup/programs/pg-dump.ts";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { diskFix } from "../../src/errors.ts";
import { describeError } from "../../src/operations/context/describe-error.ts";
import { openSession, type Session, targetParts } from "../../src/postgres/connection.ts";
import { ident, literal, type Sql, sql } from "../../src/postgres/sql.ts";
import { createDatabase, type TestDatabase } from "../setup/database.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const hostile = 'we"ird; $1\n--';

async function makeTables(session: Session): Promise<void> {
  for (const statement of [
    sql`CREATE TABLE leads (id integer PRIMARY KEY, name text)`,
    sql`INSERT INTO leads SELECT n, 'lead ' || n FROM generate_series(1, 500) AS n`,
    sql`CREATE TABLE empty (id integer)`,
    sql`CREATE SCHEMA ${ident(hostile)}`,
    sql`CREATE TABLE ${ident({ schema: hostile, name: hostile })} AS SELECT 1 AS one`,
    sql`CREATE TABLE events (id integer, day date) PARTITION BY RANGE (day)`,
    sql`CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')`,
    sql`INSERT INTO events SELECT n, '2026-05-01' FROM generate_series(1, 20) AS n`,
    sql`CREATE TABLE hot_leads () INHERITS (leads)`,
    sql`INSERT INTO hot_leads SELECT n FROM generate_series(1, 7) AS n`,
    sql`CREATE SCHEMA tenantry`,
    sql`CREATE TABLE tenantry.runs AS SELECT 1 AS id`,
    sql`CREATE TABLE of_an_extension AS SELECT 1 AS one`,
    sql`ALTER EXTENSION plpgsql ADD TABLE of_an_extension`,
    sql`CREATE TEMPORARY TABLE of_this_session AS SELECT 1 AS one`,
  ]) {
    await session.execute(statement);
  }
}

/** Without the checksums. */
const counted = [
  { schema: "public", table: "empty", rows: 0 },
  { schema: "public", table: "events_2026", rows: 20 },
  { schema: "public", table: "hot_leads", rows: 7 },
  { schema: "public", table: "leads", rows: 500 },
  { schema: hostile, table: hostile, rows: 1 },
];

function request(url: string, folder: string, changes: Partial<BackupRequest> = {}): BackupRequest {
  return {
    target: { url },
    stage: "day1",
    folder,
    jobs: 3,
    tag: async () => "before-multitenancy-day1",
    files: { "rollback.sql": "SELECT 1;\n" },
    ...changes,
  };
}

async function restore(dump: string, url: string): Promise<void> {
  const pgDump = await findPgDump();
  if (pgDump === undefined) throw new Error("no pg_restore without pg_dump");
  const pgRestore = path.join(path.dirname(pgDump.path), "pg_restore");
  await execa(pgRestore, [`--dbname=${url}`, "--jobs=2", "--exit-on-error", dump]);
}

async function countRows(session: Session, schema: string, name: string): Promise<number> {
  const [row] = await session.rows(
    sql`
      SELECT count(*)::integer AS rows
        FROM ONLY ${ident({ schema, name })}
    `,
    z.object({ rows: z.number() }),
  );
  return row?.rows ?? -1;
}

async function waitForLock(session: Session): Promise<void> {
  for (;;) {
    const waiting = await session.rows(
      sql`
        SELECT pid
          FROM pg_stat_activity
         WHERE datname = current_database()
           AND application_name = 'tenantry backup'
           AND wait_event_type = 'Lock'
      `,
      z.object({ pid: z.number() }),
    );
    if (waiting.length > 0) return;
    await sleep(20);
  }
}

test("a backup restores into another database with the rows that its manifest counts", async () => {
  const { session, url } = await createDatabase("backup restores");
  await makeTables(session);
  const backup = await backUp(request(url, path.join(await temporaryFolder(), "made", "backups")));
  expect(backup.manifest.contents.tables).toMatchObject(counted);

  const other = await createDatabase("backup restored");
  await restore(path.join(backup.folder, parts.dump), other.url);
  for (const { schema, table, rows } of backup.manifest.contents.tables) {
    expect(await countRows(other.session, schema, table), `${schema}.${table}`).toBe(rows);
  }
  expect(await countRows(other.session, "tenantry", "runs")).toBe(1);
});

test("the manifest tells what was backed up, with what, and verifies", async () => {
  const { session, url, name } = await createDatabase("backup manifest");
  await makeTables(session);
  const [server] = await session.rows(
    sql`SELECT current_setting('server_version') AS version, pg_current_wal_lsn()::text AS lsn`,
    z.object({ version: z.string(), lsn: z.string() }),
  );
  const { folder, manifest, bytes } = await backUp(request(url, await temporaryFolder()));
  expect(path.basename(folder)).toMatch(/^day1-\d{8}T\d{6}Z$/);
  expect(await readdir(folder)).toEqual(["content", "manifest.json", "rollback.sql"]);
  const { fingerprint } = await readSnapshot(session);
  const { host, port } = targetParts({ url });
  expect(manifest).toMatchObject({
    stage: "day1",
    database: { host, port, name },
    serverVersion: server?.version,
    pgDumpVersion: expect.stringMatching(/^\d+\.\d+/),
    lsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
    fingerprint: fingerprint.digest,
    gitTag: "before-multitenancy-day1",
    totalBytes: bytes,
  });
  expect(manifest.files.map((file) => file.path)).toEqual(
    expect.arrayContaining(["content/dump/toc.dat", "rollback.sql"]),
  );
  expect(await readManifest(folder)).toEqual(manifest);
  expect(await verifyBackup(folder)).toEqual(manifest);
});

test("rows written while the dump runs are neither dumped nor counted", async () => {
  const { session, url } = await createDatabase("backup snapshot");
  await makeTables(session);
  const observer = await openSession({ url });
  const backups = await temporaryFolder();
  // pg_dump waits for this lock, with its snapshot taken.
  const running = await session.transaction(async (queries) => {
    await queries.execute(sql`LOCK TABLE empty IN ACCESS EXCLUSIVE MODE`);
    const started = backUp(request(url, backups));
    await waitForLock(observer);
    await observer.execute(sql`INSERT INTO leads VALUES (501, 'late')`);
    await observer.execute(sql`DELETE FROM hot_leads`);
    return { started };
  });
  const { folder, manifest } = await running.started;
  expect(manifest.contents.tables).toMatchObject(counted);
  await observer.close();
  const other = await createDatabase("backup snapshot restored");
  await restore(path.join(folder, parts.dump), other.url);
  expect(await countRows(other.session, "public", "leads")).toBe(500);
  expect(await countRows(other.session, "public", "hot_leads")).toBe(7);
});

test("nobody but its owner can read a backup, or adds it to a repository", async () => {
  const { session, url } = await createDatabase("backup modes");
  await makeTables(session);
  const backups = path.join(await temporaryFolder(), "backups");
  const before = process.umask();
  const { folder } = await backUp(request(url, backups));
  expect(process.umask()).toBe(before);
  const entries = await readdir(backups, { recursive: true, withFileTypes: true });
  const modes = await Promise.all(
    entries
      .filter((entry) => entry.name !== ".gitignore")
      .map(async (entry) => {
        const file = path.join(entry.parentPath, entry.name);
        return [path.relative(backups, file), (await stat(file)).mode & 0o777];
      }),
  );
  expect(modes.length).toBeGreaterThan(8);
  expect((await stat(backups)).mode & 0o777).toBe(0o700);
  for (const [file, mode] of modes) {
    const isFolder = file === path.basename(folder) || /content$|dump$/.test(String(file));
    expect(mode, String(file)).toBe(isFolder ? 0o700 : 0o600);
  }
  expect(await readFile(path.join(backups, ".gitignore"), "utf8")).toBe("*\n");
});

test("backups of the same second have names of their own, whichever way they came", async () => {
  vi.useFakeTimers({ now: new Date("2026-01-02T03:04:05.678Z"), toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const { url } = await createDatabase("backup twice");
  const backups = await temporaryFolder();
  const folders = await Promise.all([
    backUp(request(url, backups)),
    backUp(request(url, backups)),
  ]).then((made) => made.map(({ folder }) => path.basename(folder)));
  folders.push(path.basename((await backUp(request(url, backups))).folder));
  const first = "day1-20260102T030405Z";
  expect(folders.sort()).toEqual([first, `${first}-2`, `${first}-3`]);
  expect((await readdir(backups)).sort()).toEqual(folders);
});

/** A role that may log in and nothing more, while the work lasts. */
async function asStranger(
  { session, url }: TestDatabase,
  work: (url: string, role: Sql) => Promise<void>,
): Promise<void> {
  const role = `stranger_${process.pid}`;
  await session.execute(sql`CREATE ROLE ${ident(role)} LOGIN PASSWORD ${literal(role)}`);
  try {
    const as = new URL(url);
    as.username = role;
    as.password = role;
    await work(as.href, ident(role));
  } finally {
    await session.execute(sql`DROP OWNED BY ${ident(role)}`);
    await session.execute(sql`DROP ROLE ${ident(role)}`);
  }
}

test("a failed attempt leaves nothing that could be taken for a backup", async () => {
  const database = await createDatabase("backup fails");
  await makeTables(database.session);
  const backups = await temporaryFolder();
  await asStranger(database, async (url) => {
    await expect(backUp(request(url, backups))).rejects.toMatchObject({
      code: "BACKUP_FAILED",
      fault: expect.stringContaining("permission denied"),
    });
  });
  expect(await readdir(backups)).toEqual([]);
});

test("a role from which policies hide rows makes no backup instead of half a one", async () => {
  const database = await createDatabase("backup policies");
  const { session } = database;
  await session.execute(sql`CREATE TABLE leads AS SELECT n FROM generate_series(1, 5) AS n`);
  await session.execute(sql`ALTER TABLE leads ENABLE ROW LEVEL SECURITY`);
  await session.execute(sql`CREATE POLICY two ON leads USING (n < 3)`);
  const backups = await temporaryFolder();
  await asStranger(database, async (url, role) => {
    await session.execute(sql`GRANT SELECT ON leads TO ${role}`);
    await expect(backUp(request(url, backups))).rejects.toMatchObject({
      code: "BACKUP_FAILED",
      fault: expect.stringContaining("row-level security"),
      next: expect.stringContaining("BYPASSRLS"),
    });
  });
  expect(await readdir(backups)).toEqual([]);
});

test("a connection that ends on the way is a failed backup, and leaves nothing", async () => {
  const { session, url } = await createDatabase("backup connection");
  await makeTables(session);
  const observer = await openSession({ url });
  const backups = await temporaryFolder();
  const running = await session.transaction(async (queries) => {
    await queries.execute(sql`LOCK TABLE empty IN ACCESS EXCLUSIVE MODE`);
    const started = backUp(request(url, backups)).catch((error: unknown) => error);
    await waitForLock(observer);
    expect(await readdir(backups)).toEqual([expect.stringMatching(/\.partial$/)]);
    await vi.waitFor(async () => {
      const ended = await observer.execute(sql`
        SELECT pg_terminate_backend(pid)
          FROM pg_stat_activity
         WHERE datname = current_database()
           AND application_name = 'tenantry backup'
           AND wait_event_type = 'Lock'
           AND query NOT LIKE 'LOCK TABLE%'
      `);
      expect(ended).toBe(1);
    });
    return { started };
  });
  expect(await running.started).toMatchObject({
    code: "BACKUP_FAILED",
    object: backups,
    state: "nothing was changed: no stage begins without a backup",
  });
  await observer.close();
  expect(await readdir(backups)).toEqual([]);
});

test("a file in the folder's place is named before anything is dumped", async () => {
  const file = path.join(await temporaryFolder(), "backups");
  await writeFile(file, "");
  const unused = "postgresql://nobody@127.0.0.1:1/none";
  for (const folder of [file, path.join(file, "below")]) {
    await expect(backUp(request(unused, folder))).rejects.toMatchObject({
      code: "BACKUP_FAILED",
      object: folder,
      fault: expect.stringContaining("no backup can be written here"),
    });
  }
});

test.each([
  { options: "ro", code: "EROFS", next: "the file system is read-only" },
  { options: "size=1m,nr_inodes=2", code: "ENOSPC", next: "the disk is full" },
])("a disk that takes nothing new ($code) is no matter of privileges", async (disk) => {
  const folder = await temporaryFolder();
  const { options, code, next } = disk;
  const mounted = await execa("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder], {
    reject: false,
  });
  // None may be mounted here.
  if (mounted.exitCode !== 0) return;
  onTestFinished(async () => {
    await execa("umount", [folder]);
  });
  await writeFile(path.join(folder, "first"), "").catch(() => undefined);
  const unused = request("postgresql://nobody@127.0.0.1:1/none", folder);
  await expect(backUp(unused)).rejects.toMatchObject({
    code: "BACKUP_FAILED",
    fault: expect.stringContaining(code),
    next: expect.stringContaining(next),
  });
});

test("a read-only folder for temporary files is named as the reason why pg_dump was not started", async () => {
  const { url } = await createDatabase("backup without temporary files");
  const temporary = await temporaryFolder();
  const backups = await temporaryFolder();
  const mount = ["-t", "tmpfs", "-o", "ro", "tmpfs", temporary];
  const mounted = await execa("mount", mount, { reject: false });
  if (mounted.exitCode !== 0) return;
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await execa("umount", [temporary]);
  });
  vi.stubEnv("TMPDIR", temporary);
  await expect(backUp(request(url, backups))).rejects.toMatchObject({
    code: "BACKUP_FAILED",
    fault: expect.stringMatching(/^pg_dump could not be started: EROFS/),
    next: expect.stringMatching(/^the file system is read-only: .*TMPDIR/),
  });
  expect(await readdir(backups)).toEqual([]);
});

test("a used-up quota is explained as such, also where another error is caused by it", () => {
  const cause = Object.assign(new Error("EDQUOT: disk quota exceeded, write"), { code: "EDQUOT" });
  for (const error of [cause, new Error("no backup can be written here", { cause })]) {
    expect(diskFix(error, "use another disk")).toBe(
      "the disk quota is used up: free space, or have the quota raised; or use another disk",
    );
  }
  expect(diskFix(new Error("EACCES"), "use another disk")).toBeUndefined();
  // Also where nobody expected it, which is not an internal error.
  expect(describeError(cause, false)).toMatchObject({ code: "FILE_NOT_WRITTEN" });
  expect(diskFix("no error", "use another disk")).toBeUndefined();
});

test.runIf(existsSync("/proc/self"))("a folder that takes nothing new is named", async () => {
  const unwritable = request("postgresql://nobody@127.0.0.1:1/none", "/proc/self");
  await expect(backUp(unwritable)).rejects.toMatchObject({
    code: "BACKUP_FAILED",
    object: "/proc/self",
    fault: expect.stringContaining("no backup can be written here"),
  });
});
