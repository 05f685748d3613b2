import { z } from "zod";
import { AppError } from "../errors.ts";
import type { Queries, Session } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { version } from "../version.ts";
import { incompatible, journalVersion, readJournalVersion } from "./schema.ts";

/**
 * What takes a journal from each version to the next. A statement may find its work done: columns were
 * added within a version, before the first release.
 */
const migrations: Readonly<Record<number, readonly Sql[]>> = {
  1: [
    sql`DROP TABLE IF EXISTS tenantry.event`,
    sql`ALTER TABLE tenantry.step
    ADD COLUMN IF NOT EXISTS milliseconds bigint,
    ADD COLUMN IF NOT EXISTS grown_bytes bigint,
    ADD COLUMN IF NOT EXISTS predicted_milliseconds bigint,
    ADD COLUMN IF NOT EXISTS predicted_bytes bigint`,
    // Its backfills ran on one session: one that is resumed does, too.
    sql`UPDATE tenantry.step
    SET definition = definition || '{"silencesTriggers": false}'
  WHERE definition ->> 'mode' = 'batches'
    AND NOT definition ? 'silencesTriggers'`,
  ],
  2: [sql`ALTER TABLE tenantry.step ADD COLUMN IF NOT EXISTS file_node bigint`],
  3: [
    sql`ALTER TABLE tenantry.run ADD COLUMN IF NOT EXISTS fingerprint_after jsonb`,
    sql`ALTER TABLE tenantry.journal ADD COLUMN IF NOT EXISTS written_by text`,
  ],
};

/** The versions of a journal that was migrated. */
export type Migrated = { readonly from: number; readonly to: number };

/**
 * Migrates a journal that an earlier version of Tenantry wrote, in one transaction; its runs, steps and
 * inverses stay as they are. An older program refuses it from then on.
 * @returns undefined where there is no journal, or nothing to migrate
 * @throws AppError LEASE_HELD while an older program is running, JOURNAL_INCOMPATIBLE
 */
export async function migrateJournal(session: Session): Promise<Migrated | undefined> {
  const seen = await readJournalVersion(session);
  if (seen === undefined || seen >= journalVersion) return undefined;
  return session.transaction(async (queries) => {
    await queries.execute(sql`SELECT pg_advisory_xact_lock(hashtext('tenantry journal'))`);
    // Another session may have migrated it meanwhile.
    const from = await readJournalVersion(queries);
    if (from === undefined || from >= journalVersion) return undefined;
    await refuseWhileHeld(queries);
    for (let step = from; step < journalVersion; step += 1) {
      const statements = migrations[step];
      if (statements === undefined) throw incompatible(`is of version ${step}, which is unknown`);
      for (const statement of statements) await queries.execute(statement);
    }
    await queries.execute(sql`
      UPDATE tenantry.journal
         SET version = ${journalVersion},
             written_by = ${version}
    `);
    return { from, to: journalVersion };
  });
}

/** An older program that is running reads and writes the journal as it knows it. */
async function refuseWhileHeld(queries: Queries): Promise<void> {
  const [held] = await queries.rows(
    sql`
      SELECT l.holder
        FROM tenantry.lease l
        JOIN pg_stat_activity a ON a.pid = l.backend AND a.backend_start = l.backend_start
       WHERE l.expires_at > clock_timestamp()
         FOR UPDATE OF l
    `,
    z.object({ holder: z.string() }),
  );
  if (held === undefined) return;
  throw new AppError({
    code: "LEASE_HELD",
    object: "the journal",
    fault: `is of an earlier version, and another run works with it: ${held.holder}`,
    state: "nothing was changed",
    next: "wait until that run has ended, then run the same command again: it migrates the journal",
  });
}
