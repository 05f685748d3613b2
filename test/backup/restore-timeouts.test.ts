import { readdir } from "node:fs/promises";
import path from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { z } from "zod";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

/** One table that takes long to copy and to count, and indexes that wait for it. */
async function makeSlow(session: Session): Promise<void> {
  await session.execute(sql`CREATE TABLE slow AS SELECT n FROM generate_series(1, 3) AS n`);
  await session.execute(sql`
    CREATE FUNCTION slowly(n integer)
      RETURNS boolean
      LANGUAGE sql
      RETURN pg_sleep(0.5)::text IS NOT NULL AND n > 0
  `);
  await session.execute(sql`ALTER TABLE slow ADD CONSTRAINT slow CHECK (slowly(n))`);
  await session.execute(sql`CREATE INDEX slow_one ON slow (n)`);
  await session.execute(sql`CREATE INDEX slow_two ON slow (n, n)`);
  await session.execute(sql`
    CREATE TABLE large AS
    SELECT n, md5(n::text) AS text
      FROM generate_series(1, 300000) AS n
  `);
}

/** A superuser whose sessions end early; dropped at the end, with what is beside the database. */
async function hastyRole(server: Session, beside: string): Promise<string> {
  const role = "restore test: hasty";
  await server.execute(sql`CREATE ROLE ${ident(role)} SUPERUSER LOGIN`);
  for (const setting of [
    "statement_timeout",
    "idle_session_timeout",
    "idle_in_transaction_session_timeout",
  ])
    await server.execute(sql`ALTER ROLE ${ident(role)} SET ${ident(setting)} = '200ms'`);
  onTestFinished(async () => {
    const left = await server.rows(
      sql`SELECT datname::text AS name FROM pg_database WHERE datname LIKE ${beside}`,
      z.object({ name: z.string() }),
    );
    for (const { name } of left)
      await server.execute(sql`DROP DATABASE ${ident(name)} WITH (FORCE)`);
    await server.execute(sql`DROP ROLE ${ident(role)}`);
    await server.close();
  });
  return role;
}

test("no timeout of the role ends a restore in place", async () => {
  const database = await createDatabase("restore hasty");
  const { session, name } = database;
  await makeSmallCompany(session, 10);
  await makeSlow(session);
  const project = await makeProject(database.url, smallCompany);
  expect(await project.tenantry("backup")).toMatchObject({ code: 0 });
  const [backup = ""] = (await readdir(path.join(project.folder, "backups"))).filter((folder) =>
    folder.startsWith("manual"),
  );
  await session.execute(sql`UPDATE large SET text = 'changed' WHERE n <= 200000`);
  const server = await openSession({ url: inject("databaseUrl") });
  const url = new URL(database.url);
  url.username = encodeURIComponent(await hastyRole(server, `${name.slice(0, 30)}\\_%restore%`));
  const restore = ["restore", path.join("backups", backup), "--in-place", "--confirm", name];
  const restored = await project.tenantry(...restore, "--url", url.href);
  expect(restored.stderr).toContain("200,000 rows that were written or changed since are lost");
  expect(restored).toMatchObject({ code: 0 });
});
