import { cp, mkdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { z } from "zod";
import type { ErrorCode } from "../../src/errors.ts";
import { openSession } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { brokenBackups } from "./broken-backups.ts";
import { changeManifest, type Manifest, signAgain } from "./edited-manifest.ts";
import { contentOf, filesIn, folderWith, refusalOf, tenantryIn } from "./in-this-process.ts";

let database: TestDatabase;
let content: Record<string, string>;
let databases: readonly string[];
/** A whole backup, and one that is encrypted. */
const made = { plain: "", encrypted: "" };
const kept = path.join(tmpdir(), `tenantry-bad-backups-${process.pid}`);

/** Those that a command could make here; other tests use the same server. */
async function databaseNames(): Promise<string[]> {
  const server = await openSession({ url: inject("databaseUrl") }, "tenantry tests");
  const names = sql`SELECT datname::text AS name FROM pg_database WHERE datname ~ 'backups_that_are_broken|restored_by_nobody' ORDER BY 1`;
  const rows = await server.rows(names, z.object({ name: z.string() }));
  await server.close();
  return rows.map(({ name }) => name);
}

async function backup(config: object): Promise<string> {
  await mkdir(kept, { recursive: true });
  await writeFile(path.join(kept, "tenantry.config.json"), JSON.stringify(config));
  const outcome = await tenantryIn(kept, { DATABASE_URL: database.url }, ["backup", "--json"]);
  return z.object({ folder: z.string() }).parse(JSON.parse(outcome.stdout)).folder;
}

beforeAll(async () => {
  database = await makeDatabase("backups that are broken");
  await makeSmallCompany(database.session, 50);
  const recipient = await identityToRecipient(await generateIdentity());
  made.plain = await backup(smallCompany);
  made.encrypted = await backup({ ...smallCompany, backups: { recipients: [recipient] } });
  content = await contentOf(database.session);
  databases = await databaseNames();
});

afterAll(async () => {
  const after = await contentOf(database.session);
  const left = await databaseNames();
  await database.drop();
  await rm(kept, { recursive: true });
  expect(after).toEqual(content);
  expect(left.filter((name) => !databases.includes(name))).toEqual([]);
});

const whole = [
  "restore FOLDER --into NEW",
  "restore FOLDER --in-place --confirm NAME",
  "rehearse --backup FOLDER",
  "backup verify FOLDER",
];

async function refuse(command: string, folder: string, more: readonly string[] = []) {
  const project = await folderWith({ "tenantry.config.json": JSON.stringify(smallCompany) });
  const into = new URL(database.url);
  into.pathname = "/restored_by_nobody";
  const words: Record<string, string> = { FOLDER: folder, NEW: into.href, NAME: database.name };
  const args = [...command.split(" ").map((word) => words[word] ?? word), ...more];
  const before = await filesIn(project);
  const refusal = refusalOf(await tenantryIn(project, { DATABASE_URL: database.url }, args));
  expect(await filesIn(project)).toEqual(before);
  return refusal;
}

async function copyOf(original: string): Promise<string> {
  const folder = path.join(await folderWith({}), "backup");
  await cp(original, folder, { recursive: true });
  return folder;
}

test.each(brokenBackups.map(([what, change, says]) => ({ what, change, says })))(
  "a backup that $what is neither restored, nor verified, nor rehearsed on",
  async ({ change, says }) => {
    const folder = await copyOf(made.plain);
    await change(folder);
    for (const command of whole) {
      const refusal = await refuse(command, folder);
      expect([command, refusal]).toEqual([
        command,
        expect.objectContaining({
          code: "BACKUP_DAMAGED",
          object: folder,
          fault: expect.stringMatching(says),
        }),
      ]);
    }
  },
);

test("an unfinished backup is refused, even if all of its files are there", async () => {
  const folder = await copyOf(made.plain);
  await rename(folder, `${folder}.partial`);
  for (const command of whole) {
    const refusal = await refuse(command, `${folder}.partial`);
    expect(refusal).toMatchObject({
      code: "BACKUP_DAMAGED",
      fault: expect.stringMatching(/unfinished/),
    });
  }
});

test.each([
  [
    "of another database",
    (own: Manifest) => ({ ...own, database: { ...Object(own["database"]), name: "another" } }),
  ],
  [
    "of another cluster",
    (own: Manifest) => ({ ...own, database: { ...Object(own["database"]), system: "1" } }),
  ],
])("a backup %s is neither restored over this one nor rehearsed on", async (_what, change) => {
  const folder = await copyOf(made.plain);
  await changeManifest(folder, change);
  expect(await refuse("restore FOLDER --in-place --confirm NAME", folder)).toMatchObject({
    code: "BACKUP_FOREIGN",
  });
  expect(await refuse("rehearse --backup FOLDER", folder)).toMatchObject({
    code: "BACKUP_FOREIGN",
  });
});

test("a backup of a later major than any server here is not restored", async () => {
  const folder = await copyOf(made.plain);
  await changeManifest(folder, (own) => ({ ...own, serverMajor: 99 }));
  expect(await refuse("backup verify FOLDER", folder)).toMatchObject({
    code: "SERVER_NOT_STARTED",
  });
});

test("a dump that pg_restore cannot read is said to be, and no database is left of it", async () => {
  const folder = await copyOf(made.plain);
  await truncate(path.join(folder, "content/dump/toc.dat"), 20);
  await signAgain(folder);
  const refusal = await refuse("restore FOLDER --into NEW", folder);
  expect(refusal).toMatchObject({ code: expect.stringMatching(/RESTORE_FAILED|BACKUP_DAMAGED/) });
});

const identities: readonly (readonly [
  what: string,
  file: string | undefined,
  text: string,
  says: RegExp,
])[] = [
  ["no identity", undefined, "", /is encrypted/],
  ["an identity that is not there", "nowhere.txt", "", /no such file/],
  ["a folder for an identity", ".", "", /EISDIR|illegal operation on a directory/],
  ["an empty identity", "identity.txt", "", /contains no valid age identity/],
  ["only comments", "identity.txt", "# created: today\n", /contains no valid age identity/],
  [
    "a public key for an identity",
    "identity.txt",
    `age1${"q".repeat(58)}`,
    /contains no valid age identity/,
  ],
  [
    "nonsense for an identity",
    "identity.txt",
    "AGE-SECRET-KEY-1NONSENSE",
    /contains no valid age identity/,
  ],
  ["binary for an identity", "identity.txt", "\0\u0001\u0002", /contains no valid age identity/],
];

test.each(identities)(
  "an encrypted backup with %s stays closed",
  async (_what, file, text, says) => {
    const folder = await folderWith(file?.endsWith("identity.txt") ? { [file]: text } : {});
    const more = file === undefined ? [] : ["--identity", path.join(folder, file)];
    for (const command of whole) {
      const refusal = await refuse(command, made.encrypted, more);
      expect([command, refusal]).toEqual([
        command,
        expect.objectContaining({ code: "BACKUP_FAILED", fault: expect.stringMatching(says) }),
      ]);
      expect(JSON.stringify(refusal)).not.toContain("NONSENSE");
    }
  },
);

test("an encrypted backup with somebody else's identity stays closed", async () => {
  const folder = await folderWith({ "identity.txt": await generateIdentity() });
  const refusal = await refuse("backup verify FOLDER", made.encrypted, [
    "--identity",
    path.join(folder, "identity.txt"),
  ]);
  expect(refusal).toMatchObject({
    code: "BACKUP_FAILED",
    fault: expect.stringMatching(/cannot be decrypted/),
  });
});

const places: readonly (readonly [command: string, code: ErrorCode, says: RegExp])[] = [
  ["restore FOLDER --into OWN", "RESTORE_REFUSED", /already exists/],
  ["restore FOLDER --in-place --confirm another", "CONFIRMATION_NEEDED", /not confirmed/],
  ["restore FOLDER --in-place", "CONFIRMATION_NEEDED", /confirmation is required/],
  ["restore FOLDER --into postgresql://nobody@127.0.0.1:1/x", "CONNECTION_FAILED", /no connection/],
  [
    "backup verify FOLDER --scratch postgresql://nobody@127.0.0.1:1/x",
    "CONNECTION_FAILED",
    /no connection/,
  ],
  ["backup verify FOLDER --scratch nonsense", "USAGE", /is not a valid PostgreSQL URL/],
  ["rehearse --backup FOLDER --scratch nonsense", "USAGE", /is not a valid PostgreSQL URL/],
  ["backup verify", "BACKUP_FAILED", /holds no backup/],
  ["--stage day1 --verify-backup", "BACKUP_FAILED", /was never begun/],
];

test.each(places)("%s is refused", async (command, code, says) => {
  const refusal = await refuse(command.replace("OWN", database.url), made.plain);
  expect(refusal).toMatchObject({ code, fault: expect.stringMatching(says) });
});
