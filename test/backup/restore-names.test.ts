import { expect, inject, onTestFinished, test } from "vitest";
import { z } from "zod";
import { type Backup, backUp } from "../../src/backup/backup.ts";
import { withBackup } from "../../src/backup/folder/open.ts";
import { type Caller, unattended } from "../../src/operations/context/caller.ts";
import { restoreBeside } from "../../src/operations/restore/restore-beside.ts";
import { restoreInPlace } from "../../src/operations/restore/restore-in-place.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import { made, onServer } from "./restored.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const said: string[] = [];

const caller: Caller = {
  emit: (event) => {
    if (event.kind === "notice") said.push(event.text);
  },
  questions: unattended,
  inCi: false,
  listen: () => {
    throw new Error("it is not interrupted");
  },
};

/** Names that begin with the process, so that tests at the same time have their own. */
const own = String(process.pid);

async function databases(): Promise<string[]> {
  const rows = await onServer((session) =>
    session.rows(
      sql`SELECT datname::text AS name FROM pg_database WHERE datname ~ ${`^${own}_`} ORDER BY datname COLLATE "C"`,
      z.object({ name: z.string() }),
    ),
  );
  return rows.map(({ name }) => name);
}

function urlOf(database: string): string {
  const url = new URL(inject("databaseUrl"));
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

async function makeDatabase(name: string): Promise<void> {
  await onServer((session) =>
    session.execute(sql`CREATE DATABASE ${ident(name)} TEMPLATE template0`),
  );
}

function dropAllAfterwards(): void {
  onTestFinished(async () => {
    for (const name of await databases()) {
      await onServer((session) => session.execute(sql`DROP DATABASE ${ident(name)} WITH (FORCE)`));
    }
  });
}

const signal = new AbortController().signal;

/** Restores a backup beside a database. @returns the name under which it is restored */
async function beside(backup: Backup, database: string, session: Session): Promise<string> {
  const server = { url: inject("databaseUrl") };
  const place = { caller, signal, target: { url: urlOf(database) }, session, server, database };
  return withBackup(backup.folder, undefined, (opened) => restoreBeside(place, opened));
}

test("two databases whose names begin alike are restored beside each other, under names of their own", async () => {
  dropAllAfterwards();
  const begin = `${own}_${"customers".repeat(5)}`;
  const names = [`${begin}_eu`, `${begin}_us`];
  await makeDatabase(names[0] ?? "");
  const backup = await made(urlOf(names[0] ?? ""));
  await onServer(async (session) => {
    const [eu = "", us = ""] = [
      await beside(backup, names[0] ?? "", session),
      await beside(backup, names[1] ?? "", session),
    ];
    expect(eu).not.toBe(us);
    expect(await databases()).toEqual([names[0] ?? "", eu, us].sort());
    expect(said).toEqual([]);
    // The same again: what a killed attempt left is found.
    expect(await beside(backup, names[1] ?? "", session)).toBe(us);
    expect(said).toEqual([expect.stringContaining(us)]);
  });
});

test.each([
  `${own}_база_данных_клиентов`,
  `${own}_${"顧客".repeat(9)}`,
  `${own}_${"c".repeat(62 - own.length)}`,
])("the database %s, whose name has many bytes, is replaced by its backup", async (name) => {
  dropAllAfterwards();
  await makeDatabase(name);
  const live = await openSession({ url: urlOf(name) });
  await live.execute(sql`CREATE TABLE leads AS SELECT 1 AS id`);
  const backup = await backUp({
    target: { url: urlOf(name) },
    stage: null,
    folder: await temporaryFolder(),
    jobs: 1,
    tag: async () => null,
    files: {},
  });
  await live.execute(sql`INSERT INTO leads VALUES (2)`);
  await live.close();
  const keptAs = await withBackup(backup.folder, undefined, (opened) =>
    restoreInPlace(opened, { caller, signal, target: { url: urlOf(name) } }),
  );
  expect(Buffer.byteLength(keptAs)).toBeLessThanOrEqual(63);
  expect(keptAs).not.toContain("\uFFFD");
  expect(await databases()).toEqual([name, keptAs].sort());
});
