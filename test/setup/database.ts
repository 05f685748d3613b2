import { createHash } from "node:crypto";
import { inject, onTestFinished } from "vitest";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, longestNameInBytes, sql } from "../../src/postgres/sql.ts";

export type TestDatabase = {
  readonly name: string;
  readonly url: string;
  readonly session: Session;
  /** Closes the session and drops the database, whoever is connected; safe to call twice. */
  drop(): Promise<void>;
};

/** A database that can be told by its name, and is another one for every name. */
function databaseName(name: string): string {
  const hash = createHash("sha256").update(`${process.pid} ${name}`).digest("hex").slice(0, 8);
  const readable = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_");
  return `${readable.slice(0, longestNameInBytes - hash.length - 1)}_${hash}`;
}

/**
 * Makes a fresh database, to be called inside a test: it is dropped when the test passes, and kept,
 * its name printed, when it fails.
 */
export async function createDatabase(
  name: string,
  serverUrl = inject("databaseUrl"),
): Promise<TestDatabase> {
  const database = await makeDatabase(name, serverUrl);
  onTestFinished(async ({ task }) => {
    if (task.result?.state === "fail") {
      await database.session.close();
      console.log(
        `kept: database ${database.name} of the failed test (${database.url}); with TENANTRY_TEST_KEEP=1 a server made for the tests stays too`,
      );
    } else {
      await database.drop();
    }
  });
  return database;
}

/** Makes a fresh database for a whole file (`beforeAll`); the caller drops it. */
export async function makeDatabase(
  name: string,
  serverUrl = inject("databaseUrl"),
): Promise<TestDatabase> {
  const stored = databaseName(name);
  await onServer(serverUrl, async (server) => {
    await server.execute(sql`DROP DATABASE IF EXISTS ${ident(stored)} WITH (FORCE)`);
    await server.execute(sql`CREATE DATABASE ${ident(stored)} TEMPLATE template0`);
  });
  const url = new URL(serverUrl);
  url.pathname = `/${stored}`;
  const session = await openSession({ url: url.href }, "tenantry tests");
  return {
    name: stored,
    url: url.href,
    session,
    async drop() {
      await session.close();
      await onServer(serverUrl, async (server) => {
        await server.execute(sql`DROP DATABASE IF EXISTS ${ident(stored)} WITH (FORCE)`);
      });
    },
  };
}

async function onServer(url: string, work: (server: Session) => Promise<void>): Promise<void> {
  const server = await openSession({ url }, "tenantry tests");
  try {
    await work(server);
  } finally {
    await server.close();
  }
}
