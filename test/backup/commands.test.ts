import { appendFile, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { execa } from "execa";
import { expect, inject, onTestFinished, test } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import { createDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { temporaryFolder } from "./temporary-folder.ts";

async function backupsOf({ folder }: Project): Promise<string[]> {
  const names = await readdir(path.join(folder, "backups"));
  return names.filter((name) => name !== ".gitignore").sort();
}

async function anyFileOf(backup: string): Promise<string> {
  const dump = path.join(backup, "content", "dump");
  const [name] = (await readdir(dump)).filter((file) => file.endsWith(".dat.gz"));
  return path.join(dump, name ?? "");
}

/** On the server, outside the database that a test restores. */
async function onServer<Result>(work: (session: Session) => Promise<Result>): Promise<Result> {
  const session = await openSession({ url: inject("databaseUrl") });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

async function databasesLike(pattern: string): Promise<string[]> {
  const rows = await onServer((session) =>
    session.rows(
      sql`SELECT datname::text AS name FROM pg_database WHERE datname LIKE ${pattern} ORDER BY 1`,
      z.object({ name: z.string() }),
    ),
  );
  return rows.map(({ name }) => name);
}

/** What is made beside a database goes with the test. */
function dropBeside({ name }: TestDatabase): void {
  onTestFinished(async () => {
    for (const other of await databasesLike(`${name.slice(0, 30)}\\_%`)) {
      if (other === name) continue;
      await onServer((session) =>
        session.execute(sql`DROP DATABASE IF EXISTS ${ident(other)} WITH (FORCE)`),
      );
    }
  });
}

async function company(name: string): Promise<{ database: TestDatabase; project: Project }> {
  const database = await createDatabase(name);
  await makeSmallCompany(database.session);
  dropBeside(database);
  return { database, project: await makeProject(database.url, smallCompany) };
}

/** How many processes of a program have this in their arguments. */
async function running(program: string, argument: string): Promise<number> {
  const { stdout } = await execa("pgrep", ["-f", `${program}.*${argument}`], { reject: false });
  return stdout === "" ? 0 : stdout.split("\n").length;
}

/** A table whose constraint takes a restore two seconds to validate. */
async function makeSlow(session: Session): Promise<void> {
  await session.execute(sql`CREATE TABLE slow AS SELECT n FROM generate_series(1, 3) AS n`);
  await session.execute(sql`
    CREATE FUNCTION slowly(n integer)
      RETURNS boolean
      LANGUAGE sql
      RETURN pg_sleep(0.7)::text IS NOT NULL AND n > 0
  `);
  await session.execute(sql`ALTER TABLE slow ADD CONSTRAINT slow CHECK (slowly(n))`);
}

/** Rows of 1.4 kB of text that gzip makes no smaller than three quarters. */
async function makeNoise(session: Session, rows: number): Promise<void> {
  await session.execute(sql`CREATE TABLE IF NOT EXISTS noise (text text)`);
  await session.execute(sql`ALTER TABLE noise ALTER COLUMN text SET STORAGE PLAIN`);
  await session.execute(sql`
    INSERT INTO noise
    SELECT string_agg(encode(sha512(random()::text::bytea), 'base64'), '')
      FROM generate_series(1, ${rows * 16}) AS n
     GROUP BY n % ${rows}
  `);
}

test("each backup is restored and compared before its stage, when asked to be, and after it", async () => {
  const { project } = await company("verified stage");
  const run = await project.tenantry("run", "--yes", "--stage", "day1", "--verify-backup");
  expect(run).toMatchObject({ code: 0 });
  expect(run.stderr).toContain("holds: restored into");
  const again = await project.tenantry("--stage", "day1", "--verify-backup", "--json");
  expect(again).toMatchObject({ code: 0 });
  expect(JSON.parse(again.stdout)).toMatchObject({ holds: true, tables: 4, rows: 6108 });
  expect(await project.tenantry("backup", "verify")).toMatchObject({ code: 0 });
});

test("a damaged backup is refused with the file's name, and exit code 3", async () => {
  const { project } = await company("damaged stage");
  await project.tenantry("run", "--yes", "--stage", "day1");
  const [name = ""] = await backupsOf(project);
  const file = await anyFileOf(path.join(project.folder, "backups", name));
  await appendFile(file, "x");
  const refused = await project.tenantry("--stage", "day1", "--verify-backup");
  expect(refused).toMatchObject({ code: 3 });
  expect(refused.stderr).toContain(`altered: content/dump/${path.basename(file)}`);
});

test("another stage's or another database's backup is not taken for this one's", async () => {
  const { project, database } = await company("foreign backup");
  await project.tenantry("run", "--yes");
  const [day1 = "", day2 = ""] = await backupsOf(project);
  const backups = path.join(project.folder, "backups");
  await rm(path.join(backups, day1), { recursive: true });
  await rename(path.join(backups, day2), path.join(backups, day1));
  const refused = await project.tenantry("--stage", "day1", "--verify-backup");
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toContain("was made before day2, not before day1");

  const other = await company("foreign database");
  const folder = path.join(backups, day1);
  const inPlace = ["restore", folder, "--in-place", "--confirm", other.database.name];
  expect(await other.project.tenantry(...inPlace)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`is of database ${database.name}`),
  });
});

test("a restore in place is the last resort: after the rollback, by name, and with nothing thrown away", async () => {
  const { database, project } = await company("restored in place");
  const { session, name } = database;
  await project.tenantry("run", "--yes", "--stage", "day1");
  const [backup = ""] = await backupsOf(project);
  const restore = ["restore", path.join("backups", backup), "--in-place"];
  const tooEarly = await project.tenantry(...restore, "--confirm", name);
  expect(tooEarly).toMatchObject({ code: 1 });
  expect(tooEarly.stderr).toContain("can still be rolled back");

  await project.tenantry("rollback", "--yes");
  await session.execute(
    sql`INSERT INTO leads (person_id, phone) SELECT 1, 'new' FROM generate_series(1, 5)`,
  );
  await session.execute(sql`UPDATE calls SET said = 'changed' WHERE id <= 3`);
  await session.execute(sql`DELETE FROM settings WHERE name IN ('name1', 'name2')`);
  await session.execute(sql`CREATE TABLE later AS SELECT n FROM generate_series(1, 4) AS n`);
  const { fingerprint: before } = await readSnapshot(session);
  const unconfirmed = await project.tenantry(...restore, "--confirm", "another");
  expect(unconfirmed).toMatchObject({ code: 2 });
  expect(unconfirmed.stderr).toContain("12 rows that were written or changed since are lost");
  expect(unconfirmed.stderr).toMatch(/public\.leads +5 +0/);
  expect(unconfirmed.stderr).toMatch(/public\.calls +3 +3/);
  expect(unconfirmed.stderr).toMatch(/public\.settings +0 +2/);
  expect(unconfirmed.stderr).toMatch(/public\.later +4 +0/);
  expect((await readSnapshot(session)).fingerprint.digest).toBe(before.digest);
  expect(await databasesLike(`${name.slice(0, 30)}\\_%restore%`)).toEqual([]);

  await session.close();
  expect(await project.tenantry(...restore, "--confirm", name)).toMatchObject({ code: 0 });
  const [kept = ""] = await databasesLike(`${name.slice(0, 30)}\\_before\\_restore\\_%`);
  const count = sql`SELECT count(*)::integer AS leads FROM leads WHERE phone = 'new'`;
  for (const [url, leads] of [
    [database.url, 0],
    [database.url.replace(name, kept), 5],
  ] as const) {
    const look = await openSession({ url });
    expect(await look.rows(count, z.unknown())).toEqual([{ leads }]);
    await look.close();
  }
  expect(await project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({ code: 0 });
});

test("a backup is restored into a database that is made for it, and into no other", async () => {
  const { database, project } = await company("restored elsewhere");
  expect(await project.tenantry("backup")).toMatchObject({ code: 0 });
  const [backup = ""] = await backupsOf(project);
  const other = `${database.name.slice(0, 30)}_other ;"`;
  const url = database.url.replace(database.name, encodeURIComponent(other));
  const restore = ["restore", path.join("backups", backup), "--into", url];
  expect(await project.tenantry(...restore)).toMatchObject({ code: 0 });
  const again = await project.tenantry(...restore);
  expect(again).toMatchObject({ code: 1 });
  expect(again.stderr).toContain("already exists");
});

for (const [signal, how] of [
  ["SIGKILL", "in clear"],
  ["SIGINT", "in clear"],
  ["SIGTERM", "in clear"],
  ["SIGKILL", "encrypted"],
  ["SIGINT", "encrypted"],
] as const) {
  test(`${signal} in the middle of a dump, ${how}, leaves no dump, no process and no backup`, async () => {
    const { database, project } = await company(`dump ${signal} ${how}`);
    const { session, name } = database;
    await makeNoise(session, 12_000);
    const recipients =
      how === "encrypted" ? [await identityToRecipient(await generateIdentity())] : [];
    await project.configure({ ...smallCompany, backups: { compression: 9, recipients } });
    const started = project.start("backup");
    while ((await running("pg_dump", name)) === 0) await sleep(20);
    started.kill(signal);
    const outcome = await started.ended;
    if (signal === "SIGKILL") expect(outcome.code).toBe(-1);
    else {
      expect(outcome).toMatchObject({ code: 130 });
      expect(outcome.stderr).toContain("nothing is left of it");
    }
    for (let look = 0; (await running("pg_dump", name)) > 0; look += 1) {
      expect(look).toBeLessThan(100);
      await sleep(50);
    }
    await expect.poll(() => backupsOf(project), { timeout: 10_000 }).toEqual([]);
  });
}

for (const signal of ["SIGKILL", "SIGINT"] as const) {
  test(`${signal} in the middle of a restore leaves the database as it was, and the next one goes through`, async () => {
    const { database, project } = await company(`restore ${signal}`);
    const { session, name } = database;
    await makeSlow(session);
    await project.tenantry("backup");
    const [backup = ""] = await backupsOf(project);
    const restore = ["restore", path.join("backups", backup), "--in-place", "--confirm", name];
    const started = project.start(...restore);
    while ((await running("pg_restore", "_being_restored")) === 0) await sleep(30);
    started.kill(signal);
    const outcome = await started.ended;
    expect(outcome.code).toBe(signal === "SIGKILL" ? -1 : 130);
    await expect.poll(() => running("pg_restore", "_being_restored"), { timeout: 5000 }).toBe(0);
    if (signal === "SIGINT") {
      expect(await databasesLike(`${name.slice(0, 30)}\\_being\\_restored`)).toEqual([]);
    }
    const again = await project.tenantry(...restore);
    expect(again).toMatchObject({ code: 0 });
    if (signal === "SIGKILL") expect(again.stderr).toContain("left of an attempt that was killed");
  });
}

/** A disk of its own, so small that it is soon full; undefined where none may be mounted. */
async function smallDisk(size: string): Promise<string | undefined> {
  const folder = await temporaryFolder();
  const options = ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder];
  const { exitCode } = await execa("mount", options, { reject: false });
  if (exitCode !== 0) return undefined;
  onTestFinished(async () => {
    await execa("umount", [folder]);
  });
  return folder;
}

test("a disk that is too small is noticed before the dump, and one that fills up leaves nothing", async ({
  skip,
}) => {
  const disk = await smallDisk("2500k");
  if (disk === undefined) return skip("no tmpfs may be mounted here");
  const { database, project } = await company("full disk");
  const { session } = database;
  const exemptTables = { ...smallCompany.exemptTables, noise: "is of this test only" };
  const backups = { folder: path.join(disk, "backups") };
  await project.configure({ ...smallCompany, exemptTables, backups });
  await makeNoise(session, 2450);
  const filled = await project.tenantry("run", "--yes", "--stage", "day1");
  expect(filled).toMatchObject({ code: 1 });
  expect(filled.stderr).toContain("No space left on device");
  expect(filled.stderr).toContain("the disk is full: free space on it");
  expect(await readdir(path.join(disk, "backups"))).toEqual([".gitignore"]);

  await makeNoise(session, 6000);
  const refused = await project.tenantry("run", "--yes", "--stage", "day1");
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toMatch(/its disk has .* left, and the backup may need/);
  const runs = sql`SELECT stage FROM tenantry.run`;
  expect(await session.rows(runs, z.unknown())).toEqual([]);
});

test("a restore whose connection is ended says so, and drops what it had begun", async () => {
  const { database, project } = await company("restore loses");
  const { session, name } = database;
  await makeSlow(session);
  await project.tenantry("backup");
  const [backup = ""] = await backupsOf(project);
  const restore = ["restore", path.join("backups", backup), "--in-place", "--confirm", name];
  const started = project.start(...restore);
  const end = sql`
    SELECT pg_terminate_backend(pid)
      FROM pg_stat_activity
     WHERE datname = ${`${name.slice(0, 30)}_being_restored`}
       AND state = 'active'
       AND query LIKE 'COPY%slow%'
  `;
  while ((await onServer((server) => server.execute(end))) === 0) await sleep(30);
  const outcome = await started.ended;
  expect(outcome).toMatchObject({ code: 1 });
  expect(outcome.stderr).toContain("terminating connection due to administrator command");
  expect(await databasesLike(`${name.slice(0, 30)}\\_being\\_restored`)).toEqual([]);
});

test("the newest backups stay, and those that a stage in force stands on", async () => {
  const { project } = await company("retention");
  await project.configure({ ...smallCompany, backups: { keep: 1 } });
  for (const command of ["run", "rollback", "run"]) {
    const stage = command === "run" ? ["--stage", "day1"] : [];
    expect(await project.tenantry(command, "--yes", ...stage)).toMatchObject({ code: 0 });
  }
  const backups = await backupsOf(project);
  expect(backups.filter((name) => /^day1-[^-]*Z(-\d+)?$/.test(name))).toHaveLength(1);
});
