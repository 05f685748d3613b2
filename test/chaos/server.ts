import { execa } from "execa";
import { z } from "zod";
import { chooseForDemo } from "../../src/backup/programs/pg-dump.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import { startServer } from "../../src/scratch/server.ts";

/** The database that every command of the lattice works on; a backup knows it by its name. */
export const company = "company";

/** A server of the lattice alone: it is crashed, and its databases are replaced. */
export type ChaosServer = {
  /** The URL of a database; through the proxy's port where that is given. */
  url(database: string, port?: number): string;
  readonly port: number;
  /** Work in a session of its own: others are ended by faults. */
  inDatabase<Result>(
    database: string,
    work: (session: Session) => Promise<Result>,
  ): Promise<Result>;
  /** What `pg_dump --schema-only` prints of a database, without the journal's schema. */
  schemaOf(database: string): Promise<string>;
  replace(database: string, template: string): Promise<void>;
  drop(database: string): Promise<void>;
  stop(): Promise<void>;
};

/** Sessions of the lattice itself have this name. */
export const observerName = "chaos";

/** Starts the server. */
export async function startChaosServer(): Promise<ChaosServer> {
  const { binaries, pgDump } = await chooseForDemo();
  const settings = { deadlock_timeout: "200ms", log_min_messages: "panic" };
  const server = await startServer({ binaries, settings });
  const url = (database: string, port = server.port): string =>
    `postgresql://postgres@127.0.0.1:${port}/${database}`;
  const inDatabase: ChaosServer["inDatabase"] = async (database, work) => {
    const session = await openSession({ url: url(database) }, observerName);
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  };
  const drop = (database: string): Promise<void> =>
    inDatabase("postgres", async (session) => {
      await session.execute(sql`DROP DATABASE IF EXISTS ${ident(database)} WITH (FORCE)`);
    });
  return {
    url,
    port: server.port,
    inDatabase,
    drop,
    async schemaOf(database) {
      const options = ["--schema-only", "--exclude-schema=tenantry", `--dbname=${url(database)}`];
      const { stdout } = await execa(pgDump.path, options);
      // Since August 2025 each dump has a random word in these two lines.
      return stdout.replaceAll(/^\\(un)?restrict .*$/gm, "");
    },
    async replace(database, template) {
      await drop(database);
      await inDatabase("postgres", async (session) => {
        const copied = sql`CREATE DATABASE ${ident(database)} TEMPLATE ${ident(template)}`;
        await session.execute(copied);
      });
    },
    stop: server.stop,
  };
}

/** Names in the catalog, such as those of roles. */
export async function namesOf(session: Session, catalog: "databases" | "roles" | "schemas") {
  const statements = {
    databases: sql`SELECT datname::text AS name FROM pg_database ORDER BY 1`,
    roles: sql`SELECT rolname::text AS name FROM pg_roles ORDER BY 1`,
    schemas: sql`SELECT nspname::text AS name FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1`,
  } as const;
  const rows = await session.rows(statements[catalog], z.object({ name: z.string() }));
  return rows.map(({ name }) => name);
}
