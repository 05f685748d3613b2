import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, onTestFinished } from "vitest";
import { chooseForDemo } from "../../src/backup/programs/pg-dump.ts";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import type { PreflightCheck } from "../../src/check/check.ts";
import { checks } from "../../src/check/index.ts";
import { askChecks } from "../../src/check/run-checks.ts";
import { type Config, configSchema } from "../../src/config/schema.ts";
import { settingsFrom } from "../../src/config/settings.ts";
import type { Finding } from "../../src/events/finding.ts";
import { openSession, type Session, type Target } from "../../src/postgres/connection.ts";
import { type Server, startServer } from "../../src/scratch/server.ts";
import { stages } from "../../stages/index.ts";
import { createDatabase, type TestDatabase } from "../setup/database.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

let started: Promise<Server> | undefined;

/** A server for this file alone: slots, settings and prepared transactions are everybody's. */
export function ownServer(): Promise<Server> {
  started ??= start();
  return started;
}

/** What a standby must have at least as much of. */
export const serverSettings = {
  archive_mode: "on",
  max_connections: "20",
  max_locks_per_transaction: "10",
  max_prepared_transactions: "5",
  wal_level: "logical",
};

async function start(): Promise<Server> {
  // One that can be backed up here.
  const { binaries } = await chooseForDemo();
  return startServer({ binaries, settings: serverSettings });
}

afterAll(async () => (await started)?.stop());

/** A small company on that server, as its superuser. */
export async function company(name: string, leads = 100): Promise<TestDatabase> {
  const database = await createDatabase(name, (await ownServer()).url);
  await makeSmallCompany(database.session, leads);
  return database;
}

/** Runs SQL that a test holds as text. */
export async function execute(session: Session, ...statements: string[]): Promise<void> {
  for (const text of statements) await session.execute({ parts: [text], values: [] });
}

/** A folder without a repository, for one test. */
export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "tenantry-check-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

type Asked = {
  readonly config?: Config;
  readonly folder?: string;
  readonly only?: readonly PreflightCheck[];
};

/** What the checks find of a database, asked as whoever the target says. */
export async function look(target: Target, asked: Asked = {}): Promise<readonly Finding[]> {
  const read = settingsFrom(configSchema.parse(asked.config ?? smallCompany));
  if ("faults" in read) throw new Error(JSON.stringify(read.faults));
  const session = await openSession(target);
  try {
    return await askChecks(asked.only ?? checks, session, {
      target,
      snapshot: await readSnapshot(session),
      settings: read.settings,
      stages,
      folder: asked.folder ?? (await emptyFolder()),
    });
  } finally {
    await session.close();
  }
}

/** The findings of one check, briefly. */
export async function findings(id: string, target: Target, asked: Asked = {}) {
  const only = checks.filter((check) => check.id === id);
  if (only.length !== 1) throw new Error(`no check ${id}`);
  const found = await look(target, { only, ...asked });
  return found.map(({ severity, object, fact, fix }) => ({
    severity,
    says: `${object}: ${fact}`,
    fix: fix,
  }));
}

/** A role that is no superuser, for one test, and the database as it sees it. */
export async function asRole(
  database: TestDatabase,
  name: string,
  attributes = "",
): Promise<Target> {
  await execute(database.session, `DROP ROLE IF EXISTS ${name}`);
  await execute(database.session, `CREATE ROLE ${name} LOGIN ${attributes}`);
  const url = new URL(database.url);
  url.username = name;
  return { url: url.href };
}
