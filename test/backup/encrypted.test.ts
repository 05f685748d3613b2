import { appendFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Decrypter, Encrypter, generateIdentity, identityToRecipient } from "age-encryption";
import { execa } from "execa";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import type { Backup } from "../../src/backup/backup.ts";
import { parts } from "../../src/backup/folder/layout.ts";
import { describeFiles, writeManifest } from "../../src/backup/folder/manifest.ts";
import { findPgDump } from "../../src/backup/programs/pg-dump.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase, makeDatabase, type TestDatabase } from "../setup/database.ts";
import { made, restoreAndCompare } from "./restored.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const secret = `a customer's secret ${process.pid}`;

/** A key, and the file with it. */
const key = { recipient: "", file: "" };
let database: TestDatabase;

beforeAll(async () => {
  const identity = await generateIdentity();
  key.recipient = await identityToRecipient(identity);
  database = await makeDatabase("backup encrypted");
  const { session } = database;
  await session.execute(sql`
    CREATE TABLE leads AS
    SELECT n, ${secret}::text || ' ' || repeat(md5(n::text), 40) AS note
      FROM generate_series(1, 20000) AS n
  `);
  await session.execute(sql`CREATE TABLE empty (id integer)`);
  await session.execute(sql`SELECT lo_from_bytea(0, 'a large object')`);
  const folder = path.join(tmpdir(), `tenantry-test-key-${process.pid}`);
  await mkdir(folder, { recursive: true });
  key.file = path.join(folder, "identity");
  await writeFile(key.file, `# created: today\n${identity}\n`);
  return async () => {
    await rm(folder, { recursive: true });
    await database.drop();
  };
});

/** The files under folders that hold the secret, read again and again until the work has ended. */
async function clearWhile(folders: () => Promise<string[]>, work: Promise<unknown>) {
  const clear = new Set<string>();
  let ended = false;
  void Promise.allSettled([work]).then(() => {
    ended = true;
  });
  while (!ended) {
    for (const folder of await folders()) {
      const { stdout } = await execa("grep", ["-rlaF", "-D", "skip", secret, folder], {
        reject: false,
      });
      for (const file of stdout.split("\n").filter((name) => name !== "")) clear.add(file);
    }
  }
  return [...clear];
}

async function temporaryFolders(): Promise<string[]> {
  const names = await readdir(tmpdir());
  return names
    .filter((name) => name.startsWith("tenantry-temporary-"))
    .map((name) => path.join(tmpdir(), name));
}

test("neither while it is made nor while it is restored is anything of an encrypted backup on the disk in clear", async () => {
  const folder = await temporaryFolder();
  const backing = made(database.url, { recipients: [key.recipient], compression: 0, folder });
  expect(await clearWhile(async () => [folder, ...(await temporaryFolders())], backing)).toEqual(
    [],
  );
  const backup = await backing;
  const names = await readdir(backup.folder, { recursive: true });
  expect(names.sort()).toEqual([
    "content",
    "content/dump.age",
    "content/fingerprint.json.age",
    "content/globals.json.age",
    "content/globals.sql.age",
    "manifest.json",
    "rollback.sql",
  ]);
  const restoring = restoreAndCompare(backup, database, key.file);
  expect(await clearWhile(temporaryFolders, restoring)).toEqual([]);
  expect(await restoring).toEqual([]);
});

test("the programs age and pg_restore read an encrypted backup without Tenantry", async () => {
  const { folder } = await made(database.url, { recipients: [key.recipient] });
  const pgRestore = path.join(path.dirname((await findPgDump())?.path ?? ""), "pg_restore");
  const decrypter = new Decrypter();
  decrypter.addIdentity((await readFile(key.file, "utf8")).split("\n")[1] ?? "");
  const dump = await decrypter.decrypt(await readFile(path.join(folder, parts.encryptedDump)));
  const { stdout } = await execa(pgRestore, ["--list"], { input: dump });
  expect(stdout).toContain("TABLE DATA public leads");
});

/** A backup as it was made until the dump was one stream: a folder, of which every file was encrypted. */
async function madeAsBefore(url: string): Promise<Backup> {
  const backup = await made(url);
  const encrypter = new Encrypter();
  encrypter.addRecipient(key.recipient);
  const content = path.join(backup.folder, parts.content);
  for (const entry of await readdir(content, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    await writeFile(`${file}.age`, await encrypter.encrypt(await readFile(file)));
    await rm(file);
  }
  const files = await describeFiles(backup.folder);
  await writeManifest(backup.folder, { ...backup.manifest, recipients: [key.recipient], files });
  return backup;
}

test("a backup that was encrypted file by file is still restored", async () => {
  const backup = await madeAsBefore(database.url);
  expect(await restoreAndCompare(backup, database, key.file)).toEqual([]);
});

test("a full disk is named as such, and not as a failure of pg_dump", async ({ skip }) => {
  const disk = await temporaryFolder();
  const options = ["-t", "tmpfs", "-o", "size=16m", "tmpfs", disk];
  if ((await execa("mount", options, { reject: false })).exitCode !== 0) {
    return skip("no tmpfs may be mounted here");
  }
  onTestFinished(async () => {
    await execa("umount", [disk]);
  });
  const folder = path.join(disk, "backups");
  const { session, url } = await createDatabase("backup encrypted full");
  await session.execute(sql`CREATE TABLE noise (text text)`);
  await session.execute(sql`ALTER TABLE noise ALTER COLUMN text SET STORAGE PLAIN`);
  await session.execute(sql`
    INSERT INTO noise
    SELECT string_agg(encode(sha512(random()::text::bytea), 'base64'), '')
      FROM generate_series(1, 300000) AS n
     GROUP BY n % 20000
  `);
  const refused = made(url, { recipients: [key.recipient], folder });
  await expect(refused).rejects.toMatchObject({
    code: "BACKUP_FAILED",
    fault: expect.stringContaining("ENOSPC"),
    next: expect.stringContaining("the disk is full"),
  });
  expect(await readdir(folder)).toEqual([".gitignore"]);
});

test("a damaged file of an encrypted backup is found before pg_restore is started", async () => {
  const backup = await made(database.url, { recipients: [key.recipient] });
  await appendFile(path.join(backup.folder, parts.encryptedDump), "x");
  await expect(restoreAndCompare(backup, database, key.file)).rejects.toMatchObject({
    code: "BACKUP_DAMAGED",
    details: [expect.stringContaining("altered: content/dump.age")],
  });
});
