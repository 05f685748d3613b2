import { inject, onTestFinished } from "vitest";
import { type Backup, type BackupRequest, backUp } from "../../src/backup/backup.ts";
import { identityIn } from "../../src/backup/folder/encryption.ts";
import { withBackup } from "../../src/backup/folder/open.ts";
import { compareWithBackup } from "../../src/backup/restore/compare.ts";
import { restoreBackup } from "../../src/backup/restore/restore.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import type { TestDatabase } from "../setup/database.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** What a test's database is called where it is restored beside it. */
export function restoredName(name: string): string {
  return `${name.slice(0, 50)} restored`;
}

/** Backs a database up, into a folder of the test's. */
export async function made(url: string, changes: Partial<BackupRequest> = {}): Promise<Backup> {
  return backUp({
    target: { url },
    stage: "day1",
    folder: await temporaryFolder(),
    jobs: 2,
    tag: async () => null,
    files: { "rollback.sql": "SELECT 1;\n" },
    ...changes,
  });
}

/** Restores beside the database and compares; what was restored goes with the test. */
export async function restoreAndCompare(
  { folder }: Backup,
  { name }: Pick<TestDatabase, "name">,
  identityFile?: string,
): Promise<string[]> {
  const server = { url: inject("databaseUrl") };
  const database = restoredName(name);
  const drop = sql`DROP DATABASE IF EXISTS ${ident(database)} WITH (FORCE)`;
  onTestFinished(async () => {
    await onServer((session) => session.execute(drop));
  });
  return withBackup(folder, identityIn(identityFile), async (backup) => {
    await restoreBackup({ backup, server, database, jobs: 2, anyLocale: true });
    return compareWithBackup(backup, { ...server, database });
  });
}

/** On the server, outside the database that a test restores. */
export async function onServer<Result>(
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const session = await openSession({ url: inject("databaseUrl") });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}
