import { appendFile, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { expect, inject, test } from "vitest";
import { z } from "zod";
import { withBackup } from "../../src/backup/folder/open.ts";
import { compareWithBackup } from "../../src/backup/restore/compare.ts";
import { restoreBackup } from "../../src/backup/restore/restore.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { ident, literal, raw, type Sql, sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { made, onServer, restoreAndCompare, restoredName } from "./restored.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const hostile = 'we"ird; $1\n--';
const role = "restore test: owner";

/** Of every kind that a restore could get wrong. */
const oddities: readonly Sql[] = [
  sql`
    DO $$
    BEGIN
      CREATE ROLE "restore test: owner" NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;
    END $$
  `,
  sql`CREATE TYPE mood AS ENUM ('good', 'bad; $1')`,
  sql`CREATE DOMAIN phone AS text CHECK (VALUE ~ '^[+0-9]+$')`,
  sql`CREATE TYPE place AS (street text, number integer)`,
  sql`CREATE SCHEMA ${ident(hostile)} AUTHORIZATION ${ident(role)}`,
  sql`
    CREATE TABLE ${ident({ schema: hostile, name: hostile })} (
      ${ident('Id "x"')} bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      mood mood,
      phone phone,
      place place,
      status varchar(20) CHECK (status IN ('new', 'it''s', 'old')),
      at timestamptz DEFAULT now(),
      amount numeric(12, 4),
      length double precision,
      raw bytea,
      tags text[],
      document jsonb,
      doubled integer GENERATED ALWAYS AS (2 * 3) STORED
    )
  `,
  sql`
    INSERT INTO ${ident({ schema: hostile, name: hostile })}
           (mood, phone, place, status, at, amount, length, raw, tags, document)
    SELECT 'bad; $1', '+1' || n, ROW('a, "b"', n)::place, 'it''s', timestamptz '2026-11-01 00:00+02' + n * interval '1 hour',
           n / 7.0, n / 7.0, decode(md5(n::text), 'hex'), ARRAY['a', NULL, n::text], jsonb_build_object('n', n)
      FROM generate_series(1, 1000) AS n
  `,
  sql`ALTER TABLE ${ident({ schema: hostile, name: hostile })} OWNER TO ${ident(role)}`,
  sql`CREATE TABLE many AS SELECT n, n % 7 AS seven FROM generate_series(1, 1000000) AS n`,
  sql`CREATE TABLE papers (name text, scan oid)`,
  sql`INSERT INTO papers SELECT 'paper ' || n, lo_from_bytea(0, decode(repeat(md5(n::text), 300), 'hex')) FROM generate_series(1, 5) AS n`,
  sql`CREATE TABLE events (id integer, day date) PARTITION BY RANGE (day)`,
  sql`CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')`,
  sql`INSERT INTO events SELECT n, '2026-05-01' FROM generate_series(1, 20) AS n`,
  sql`CREATE VIEW latest AS SELECT id FROM events WHERE day IN ('2026-05-01', '2026-05-02')`,
  sql`CREATE MATERIALIZED VIEW days AS SELECT DISTINCT day FROM events`,
  sql`ALTER TABLE papers ENABLE ROW LEVEL SECURITY`,
  sql`CREATE POLICY own ON papers TO ${ident(role)} USING (name IN ('paper 1', 'paper 2'))`,
  sql`GRANT SELECT ON papers TO ${ident(role)} WITH GRANT OPTION`,
];

async function makeOddities(session: Session): Promise<void> {
  for (const statement of oddities) await session.execute(statement);
}

test("what is restored has the same schema, counts and checksums, whatever it holds", async () => {
  const database = await createDatabase("restore equal");
  await makeOddities(database.session);
  const set = sql`ALTER DATABASE ${ident(database.name)} SET work_mem TO '7MB'`;
  await database.session.execute(set);
  const backup = await made(database.url);
  expect(backup.manifest.contents.largeObjects.count).toBe(5);
  expect(await restoreAndCompare(backup, database)).toEqual([]);
  const setting = await onServer((session) =>
    session.rows(
      sql`
        SELECT setconfig
          FROM pg_db_role_setting s
          JOIN pg_database d ON d.oid = s.setdatabase
         WHERE d.datname = ${restoredName(database.name)}
      `,
      z.object({ setconfig: z.array(z.string()) }),
    ),
  );
  expect(setting).toEqual([{ setconfig: ["work_mem=7MB"] }]);
});

test("a value that only looks otherwise is another one, whatever its type", async () => {
  const database = await createDatabase("restore looks");
  const values = {
    numeric: ["1.0", "1.00"],
    interval: ["1 day", "24:00:00"],
    "double precision": ["0", "-0"],
    text: ["a", "b"],
    "varchar(9)": ["a", "A"],
    'text COLLATE "no_case"': ["a", "A"],
    json: ['{"a":1}', '{"a": 1}'],
    jsonb: ['{"a":1.0}', '{"a":1.00}'],
    "text[]": ["{a}", "{A}"],
    point: ["(1,1)", "(1,2)"],
    bytea: ["\\x00", "\\x01"],
    boolean: ["true", "false"],
    timestamptz: ["2026-01-01 00:00:00Z", "2026-01-01 00:00:01Z"],
    uuid: ["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"],
    integer: ["1", "2"],
  } as const;
  const types = Object.entries(values);
  await database.session.execute(
    sql`CREATE COLLATION "no_case" (provider = icu, locale = 'und-u-ks-level2', deterministic = FALSE)`,
  );
  for (const [index, [type, [was]]] of types.entries()) {
    const table = ident(`of type ${index}`);
    await database.session.execute(sql`CREATE TABLE ${table} (value ${raw(type)})`);
    await database.session.execute(sql`INSERT INTO ${table} VALUES (${literal(was)})`);
  }
  const backup = await made(database.url);
  for (const [index, [, [, is]]] of types.entries())
    await database.session.execute(
      sql`UPDATE ${ident(`of type ${index}`)} SET value = ${literal(is)}`,
    );
  const differences = await withBackup(backup.folder, undefined, (opened) =>
    compareWithBackup(opened, { url: database.url }),
  );
  for (const index of types.keys())
    expect(differences.join("\n")).toContain(
      `public.of type ${index} has 1 rows, and their checksum differs`,
    );
});

test("a restore that is not the same says where it differs", async () => {
  const database = await createDatabase("restore differs");
  await database.session.execute(
    sql`CREATE TABLE leads AS SELECT n FROM generate_series(1, 9) AS n`,
  );
  await database.session.execute(
    sql`CREATE TABLE calls AS SELECT n FROM generate_series(1, 9) AS n`,
  );
  const backup = await made(database.url);
  await database.session.execute(sql`UPDATE leads SET n = 10 WHERE n = 1`);
  await database.session.execute(sql`DELETE FROM calls WHERE n < 4`);
  await database.session.execute(sql`CREATE TABLE later (n integer)`);
  const differences = await withBackup(backup.folder, undefined, (opened) =>
    compareWithBackup(opened, { url: database.url }),
  );
  expect(differences).toEqual(
    expect.arrayContaining([
      "public.leads has 9 rows, and their checksum differs",
      "public.calls had 9 rows and has 6",
      expect.stringContaining("added: relation public.later"),
      "public.later was not in the backup",
    ]),
  );
});

const damages: readonly [string, (dump: string) => Promise<void>][] = [
  ["truncated", (file) => truncate(file, 10)],
  ["longer", (file) => appendFile(file, "x")],
  [
    "altered",
    async (file) => {
      const bytes = await readFile(file);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      await writeFile(file, bytes);
    },
  ],
];

for (const [damage, work] of damages) {
  test(`a ${damage} backup is refused with the file's name, and nothing is restored`, async () => {
    const database = await createDatabase(`restore ${damage}`);
    await database.session.execute(
      sql`CREATE TABLE leads AS SELECT n FROM generate_series(1, 999) AS n`,
    );
    const backup = await made(database.url);
    const dump = path.join(backup.folder, "content", "dump");
    const [data] = (await readdir(dump)).filter((name) => name.endsWith(".dat.gz"));
    await work(path.join(dump, data ?? ""));
    await expect(restoreAndCompare(backup, database)).rejects.toMatchObject({
      code: "BACKUP_DAMAGED",
      object: backup.folder,
      details: [expect.stringMatching(new RegExp(`^altered: content/dump/${data}`))],
    });
  });
}

test("an encrypted backup holds nothing in clear, and is restored with the identity alone", async () => {
  const database = await createDatabase("restore encrypted");
  await database.session.execute(
    sql`CREATE TABLE leads AS SELECT 'a secret name' AS name FROM generate_series(1, 200)`,
  );
  const identity = await generateIdentity();
  const recipient = await identityToRecipient(identity);
  const backup = await made(database.url, { recipients: [recipient], compression: 0 });
  const files = await readdir(backup.folder, { recursive: true, withFileTypes: true });
  for (const file of files.filter((entry) => entry.isFile())) {
    const content = await readFile(path.join(file.parentPath, file.name), "latin1");
    expect(content, file.name).not.toContain("a secret name");
  }
  const keys = path.join(await temporaryFolder(), "identity");
  await writeFile(keys, `# created: today\n${identity}\n`);
  expect(await restoreAndCompare(backup, database, keys)).toEqual([]);

  await expect(restoreAndCompare(backup, database)).rejects.toMatchObject({
    fault: "is encrypted",
    next: expect.stringContaining("--identity"),
  });
  await writeFile(keys, `${await generateIdentity()}\n`);
  await expect(restoreAndCompare(backup, database, keys)).rejects.toMatchObject({
    code: "BACKUP_FAILED",
    fault: expect.stringContaining("cannot be decrypted"),
  });
  await writeFile(keys, "AGE-SECRET-KEY-1WRONG");
  const refused = await restoreAndCompare(backup, database, keys).catch((error: unknown) => error);
  expect(refused).toMatchObject({ fault: "contains no valid age identity" });
  expect(JSON.stringify(refused)).not.toContain("AGE-SECRET-KEY");
});

test("a server that lacks an extension is refused before anything is restored, by the extension's name", async () => {
  const database = await createDatabase("restore extension");
  const backup = await made(database.url);
  await withBackup(backup.folder, undefined, async (opened) => {
    const globals = {
      ...opened.globals,
      extensions: [...opened.globals.extensions, { name: "of_another_planet", version: "1.0" }],
    };
    const server = { url: inject("databaseUrl") };
    const request = { backup: { ...opened, globals }, server, jobs: 1, anyLocale: true };
    await expect(restoreBackup({ ...request, database: "never_made" })).rejects.toMatchObject({
      code: "RESTORE_FAILED",
      object: "of_another_planet",
    });
  });
});

test("a restore that fails midway leaves no database", async () => {
  const database = await createDatabase("restore fails");
  await database.session.execute(sql`CREATE TABLE leads AS SELECT 1 AS id`);
  const backup = await made(database.url);
  const name = `${database.name.slice(0, 50)} halted`;
  await withBackup(backup.folder, undefined, async (opened) => {
    const server = { url: inject("databaseUrl") };
    const dump = { kind: "folder", path: path.join(opened.folder, "nowhere") } as const;
    const nowhere = { ...opened, dump };
    await expect(
      restoreBackup({ backup: nowhere, server, database: name, jobs: 1, anyLocale: true }),
    ).rejects.toMatchObject({ code: "RESTORE_FAILED", fault: "pg_restore failed" });
  });
  const left = sql`SELECT datname FROM pg_database WHERE datname = ${name}`;
  expect(await onServer((session) => session.rows(left, z.unknown()))).toEqual([]);
});
