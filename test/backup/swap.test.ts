import { readdir } from "node:fs/promises";
import path from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { z } from "zod";
import { verifyReplaceable } from "../../src/backup/restore/replaceable.ts";
import { swapDatabases } from "../../src/backup/restore/swap.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import { createDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

/** A session of another database, closed at the end. */
async function onServer(): Promise<Session> {
  const session = await openSession({ url: inject("databaseUrl") });
  onTestFinished(() => session.close());
  return session;
}

async function databasesBeside(server: Session, { name }: TestDatabase): Promise<string[]> {
  const rows = await server.rows(
    sql`
      SELECT datname::text AS name
        FROM pg_database
       WHERE datname LIKE ${`${name.slice(0, 30)}\\_%restore%`}
         AND datallowconn
       ORDER BY datname
    `,
    z.object({ name: z.string() }),
  );
  return rows.map(({ name: other }) => other);
}

function dropBeside(server: Session, database: TestDatabase): void {
  onTestFinished(async () => {
    for (const other of await databasesBeside(server, database))
      await server.execute(sql`DROP DATABASE ${ident(other)} WITH (FORCE)`);
  });
}

/** A database, and one that was restored beside it, which holds one table. */
async function twoDatabases(server: Session, name: string) {
  const database = await createDatabase(name);
  const live = database.name;
  const restored = `${live.slice(0, 30)}_being_restored`;
  const keptAs = `${live.slice(0, 30)}_before_restore`;
  await server.execute(sql`CREATE DATABASE ${ident(restored)}`);
  dropBeside(server, database);
  const look = await openSession({ url: database.url.replace(live, restored) });
  await look.execute(sql`CREATE TABLE restored_table ()`);
  await look.close();
  return { database, swap: { live, restored, keptAs } };
}

async function isRestored(url: string): Promise<boolean> {
  const session = await openSession({ url });
  try {
    const found = await session.rows(
      sql`SELECT to_regclass('restored_table') IS NOT NULL AS restored`,
      z.object({ restored: z.boolean() }),
    );
    return found[0]?.restored === true;
  } finally {
    await session.close();
  }
}

/** Keeps a database's name as it is; whoever changes it waits. */
async function holdName(database: string): Promise<() => Promise<void>> {
  const holder = await onServer();
  await holder.execute(sql`BEGIN`);
  await holder.execute(sql`COMMENT ON DATABASE ${ident(database)} IS 'held'`);
  return async () => {
    await holder.execute(sql`ROLLBACK`);
  };
}

/** The server processes that wait to change a database's name. */
async function waiting(server: Session, database: string): Promise<number[]> {
  const rows = await server.rows(
    sql`
      SELECT l.pid
        FROM pg_locks l
        JOIN pg_database d ON d.oid = l.objid
       WHERE l.classid = 'pg_database'::regclass
         AND d.datname = ${database}
         AND l.mode = 'AccessExclusiveLock'
         AND NOT l.granted
    `,
    z.object({ pid: z.number() }),
  );
  return rows.map(({ pid }) => pid);
}

test("a restored database takes its place while an application keeps coming back", async () => {
  const server = await onServer();
  const { database, swap } = await twoDatabases(server, "swap busy");
  let comingBack = true;
  const application = async () => {
    let refused = 0;
    while (comingBack) {
      try {
        const session = await openSession({ url: database.url });
        await session.execute(sql`SELECT pg_sleep(0.05)`);
        await session.close();
      } catch {
        refused += 1;
      }
    }
    return refused;
  };
  const applications = [application(), application(), application()];
  await swapDatabases({ renaming: server, ending: await onServer() }, swap);
  comingBack = false;
  await Promise.all(applications);
  expect(await isRestored(database.url)).toBe(true);
  expect(await isRestored(database.url.replace(swap.live, swap.keptAs))).toBe(false);
});

test("a connection that is lost while the names change leaves the database as it was, and open", async () => {
  const server = await onServer();
  const { database, swap } = await twoDatabases(server, "swap lost");
  const release = await holdName(swap.live);
  const renaming = await openSession({ url: inject("databaseUrl") });
  const swapped = swapDatabases({ renaming, ending: await onServer() }, swap).catch(
    (error: unknown) => error,
  );
  await expect.poll(() => waiting(server, swap.live)).toHaveLength(1);
  await server.execute(sql`SELECT pg_terminate_backend(${renaming.backend})`);
  expect(await swapped).toMatchObject({
    code: "RESTORE_FAILED",
    state: expect.stringContaining(`both names changed or none, and ${swap.live} is open`),
  });
  await release();
  expect(await isRestored(database.url)).toBe(false);
});

test("a kill while the names change leaves the database open, and the next restore goes through", async () => {
  const server = await onServer();
  const database = await createDatabase("swap killed");
  await makeSmallCompany(database.session, 10);
  dropBeside(server, database);
  const project = await makeProject(database.url, smallCompany);
  await project.tenantry("backup");
  const [backup = ""] = (await readdir(path.join(project.folder, "backups"))).filter((name) =>
    name.startsWith("manual"),
  );
  const { name } = database;
  const restore = ["restore", path.join("backups", backup), "--in-place", "--confirm", name];
  const release = await holdName(name);
  const started = project.start(...restore);
  await expect.poll(() => waiting(server, name), { timeout: 30_000 }).toHaveLength(1);
  started.kill("SIGKILL");
  await started.ended;
  await release();
  expect(await isRestored(database.url)).toBe(false);
  const kept = () => databasesBeside(server, database);
  expect(await kept()).toEqual([expect.stringContaining("_being_restored")]);
  expect(await project.tenantry(...restore)).toMatchObject({ code: 0 });
  expect(await kept()).toEqual([expect.stringContaining("_before_restore_")]);
});

/** As a role that owns the database and may make others. */
async function asOwner(
  server: Session,
  databases: readonly string[],
): Promise<() => Promise<Session>> {
  const role = ident(owner);
  await server.execute(sql`CREATE ROLE ${role} LOGIN CREATEDB`);
  for (const database of databases)
    await server.execute(sql`ALTER DATABASE ${ident(database)} OWNER TO ${role}`);
  onTestFinished(async () => {
    for (const database of await databasesOf(server, owner))
      await server.execute(sql`ALTER DATABASE ${ident(database)} OWNER TO CURRENT_USER`);
    await server.execute(sql`DROP ROLE ${role}`);
  });
  const url = new URL(inject("databaseUrl"));
  url.username = encodeURIComponent(owner);
  return async () => {
    const session = await openSession({ url: url.href });
    onTestFinished(() => session.close());
    return session;
  };
}

const owner = "swap test: owner";

async function databasesOf(server: Session, role: string): Promise<string[]> {
  const rows = await server.rows(
    sql`
      SELECT datname::text AS name
        FROM pg_database
       WHERE pg_get_userbyid(datdba) = ${role}
    `,
    z.object({ name: z.string() }),
  );
  return rows.map(({ name }) => name);
}

/** A role that somebody is connected as, to this database. */
async function connectedAs(server: Session, url: string, role: string): Promise<Session> {
  await server.execute(sql`CREATE ROLE ${ident(role)} LOGIN`);
  const place = new URL(url);
  place.username = encodeURIComponent(role);
  const session = await openSession({ url: place.href });
  onTestFinished(async () => {
    await session.close();
    await server.execute(sql`DROP ROLE ${ident(role)}`);
  });
  return session;
}

test("a role that may not end the application's sessions is refused before anything is restored", async () => {
  const server = await onServer();
  const { database, swap } = await twoDatabases(server, "swap privileges");
  await database.session.close();
  const connect = await asOwner(server, [swap.live, swap.restored]);
  const role = await connect();
  await verifyReplaceable(role, swap.live);
  await connectedAs(server, database.url, "swap test: application");
  await expect(verifyReplaceable(role, swap.live)).rejects.toMatchObject({
    code: "RESTORE_REFUSED",
    fault: expect.stringContaining(
      "swap test: owner may not end the sessions of swap test: application (1)",
    ),
    next: expect.stringContaining("pg_signal_backend"),
  });
  await expect(
    swapDatabases({ renaming: role, ending: await connect() }, swap),
  ).rejects.toMatchObject({
    code: "RESTORE_FAILED",
    fault: "is in use, and sessions of swap test: application (1) could not be ended",
    state: `the database is not changed, and open; the restored one is ${swap.restored}`,
    details: [expect.stringContaining("RENAME TO"), expect.stringContaining("RENAME TO")],
  });
  expect(await isRestored(database.url)).toBe(false);

  await server.execute(sql`GRANT pg_signal_backend TO ${ident(owner)}`);
  await verifyReplaceable(role, swap.live);
  await swapDatabases({ renaming: role, ending: await connect() }, swap);
  expect(await isRestored(database.url)).toBe(true);
});

test("sessions of a superuser take a superuser to end", async () => {
  const server = await onServer();
  const { swap } = await twoDatabases(server, "swap superuser");
  const connect = await asOwner(server, [swap.live, swap.restored]);
  await server.execute(sql`GRANT pg_signal_backend TO ${ident(owner)}`);
  await expect(verifyReplaceable(await connect(), swap.live)).rejects.toMatchObject({
    code: "RESTORE_REFUSED",
    next: expect.stringContaining("as a superuser for sessions of a superuser"),
  });
  await verifyReplaceable(server, swap.live);
});
