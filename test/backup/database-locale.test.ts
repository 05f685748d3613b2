import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { knownLocale, localeClauses } from "../../src/backup/dump/database-locale.ts";
import { globalsSchema, readGlobals } from "../../src/backup/dump/globals.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, raw, type Sql, sql } from "../../src/postgres/sql.ts";
import { majors, serverOf } from "../setup/majors.ts";
import { made, onServer, restoreAndCompare, restoredName } from "./restored.ts";

/** Makes a database with these options, instead of one that an earlier run left. */
async function makeDatabase(server: Session, name: string, options: Sql): Promise<void> {
  await server.execute(sql`DROP DATABASE IF EXISTS ${ident(name)} WITH (FORCE)`);
  await server.execute(sql`CREATE DATABASE ${ident(name)} TEMPLATE template0 ${options}`);
}

async function globalsOf(url: string, database: string) {
  const session = await openSession({ url, database });
  try {
    return await readGlobals(session);
  } finally {
    await session.close();
  }
}

const icu = "LOCALE_PROVIDER icu ICU_LOCALE 'und' LC_COLLATE 'C' LC_CTYPE 'C'";

const options: readonly (readonly [since: number, options: string])[] = [
  [14, "LC_COLLATE 'C' LC_CTYPE 'C'"],
  [15, `${icu} CONNECTION LIMIT 7`],
  [16, `${icu} ICU_RULES '&a < g' CONNECTION LIMIT 0`],
  [17, "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C'"],
];

for (const major of majors) {
  test(`a database of PostgreSQL ${major} is made again with the locale that it had`, async () => {
    const { url } = await serverOf(major);
    const server = await openSession({ url });
    onTestFinished(() => server.close());
    for (const [index, [since, text]] of options.entries()) {
      if (since > major) continue;
      await makeDatabase(server, `one ${index}`, raw(text));
      const before = await globalsOf(url, `one ${index}`);
      await makeDatabase(server, `other ${index}`, localeClauses(before));
      const { connectionLimit: _limit, ...after } = await globalsOf(url, `other ${index}`);
      expect(before, text).toMatchObject(after);
      expect(await knownLocale(server, before)).toEqual(before);
    }
  });
}

test("a server without a database's locale provider gets the copy in libc's C", async () => {
  const { url } = await serverOf(14);
  const server = await openSession({ url });
  onTestFinished(() => server.close());
  const wanted = {
    encoding: "UTF8",
    collation: "xx_XX.utf8",
    characterType: "C",
    localeProvider: "b",
    locale: "C.UTF-8",
  } as const;
  const known = await knownLocale(server, wanted);
  expect(known).toMatchObject({ collation: "C", characterType: "C", localeProvider: null });
  await makeDatabase(server, "in C", localeClauses(known));
});

test("a restore keeps the locale's provider and the limit of connections", async () => {
  const name = `restore locale ${process.pid}`;
  await onServer((server) => makeDatabase(server, name, raw(`${icu} CONNECTION LIMIT 7`)));
  onTestFinished(async () => {
    await onServer((server) => server.execute(sql`DROP DATABASE ${ident(name)} WITH (FORCE)`));
  });
  const url = new URL(inject("databaseUrl"));
  url.pathname = `/${encodeURIComponent(name)}`;
  const backup = await made(url.href);
  const script = await readFile(path.join(backup.folder, "content", "globals.sql"), "utf8");
  expect(script).toContain("LOCALE_PROVIDER icu ICU_LOCALE 'und'\n");
  expect(script).toContain(`ALTER DATABASE "${name}" CONNECTION LIMIT 7;\n`);
  expect(await restoreAndCompare(backup, { name })).toEqual([]);
  expect(await globalsOf(inject("databaseUrl"), restoredName(name))).toMatchObject({
    localeProvider: "i",
    locale: "und",
    connectionLimit: 7,
  });
});

test("a backup that does not say its locale's provider can be read", async () => {
  const {
    localeProvider: _provider,
    connectionLimit: _limit,
    ...older
  } = await globalsOf(inject("databaseUrl"), "postgres");
  expect(globalsSchema.parse(older)).toEqual(older);
});
