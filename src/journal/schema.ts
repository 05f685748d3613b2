import { z } from "zod";
import { AppError } from "../errors.ts";
import type { Queries, Session } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { version } from "../version.ts";

/**
 * The version of the tables below. A journal of an earlier version is migrated by the first command that
 * writes (see `migrateJournal`); one of a later version is refused.
 */
export const journalVersion = 4;

/** The oldest version of which commands that only read need nothing: later ones added columns for writing. */
const oldestReadable = 3;

const tables: readonly Sql[] = [
  sql`CREATE SCHEMA tenantry`,
  sql`CREATE TABLE tenantry.journal (
  version integer NOT NULL,
  -- The version of Tenantry that created or migrated it: an older one refuses it by this name.
  written_by text,
  created_at timestamptz NOT NULL DEFAULT now()
)`,
  sql`CREATE TABLE tenantry.lease (
  -- A new holder changes the key, so it waits for transactions that write under the old one.
  token bigint PRIMARY KEY,
  holder text NOT NULL,
  backend integer NOT NULL,
  backend_start timestamptz,
  expires_at timestamptz NOT NULL
)`,
  sql`CREATE TABLE tenantry.run (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stage text NOT NULL,
  title text NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'applied', 'rolling back', 'rolled back')),
  plan_digest text NOT NULL,
  tenantry_version text NOT NULL,
  started_by text NOT NULL DEFAULT current_user,
  started_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  backup_folder text NOT NULL,
  git_tag text,
  fingerprint jsonb NOT NULL,
  -- The schema when the stage was applied: drift is the difference from it.
  fingerprint_after jsonb,
  tenancy jsonb NOT NULL,
  fences jsonb NOT NULL,
  personas jsonb NOT NULL,
  criteria jsonb NOT NULL,
  guards jsonb NOT NULL
)`,
  // At most one run of each stage that is not rolled back.
  sql`CREATE UNIQUE INDEX run_in_force
  ON tenantry.run (stage)
  WHERE state <> 'rolled back'`,
  sql`CREATE TABLE tenantry.step (
  run_id bigint NOT NULL REFERENCES tenantry.run (id),
  position integer NOT NULL,
  id text NOT NULL,
  definition jsonb NOT NULL,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'running', 'applied', 'undone')),
  started_at timestamptz,
  finished_at timestamptz,
  verified_at timestamptz,
  undone_at timestamptz,
  next_page bigint NOT NULL DEFAULT 0,
  total_pages bigint,
  -- The file that the pages belong to: a rewrite of the table gives it another.
  file_node bigint,
  rows_written bigint NOT NULL DEFAULT 0,
  -- The time of the step and the growth of its table, and the same from a rehearsal.
  milliseconds bigint,
  grown_bytes bigint,
  predicted_milliseconds bigint,
  predicted_bytes bigint,
  PRIMARY KEY (run_id, position),
  UNIQUE (run_id, id)
)`,
  sql`INSERT INTO tenantry.journal (version, written_by) VALUES (${journalVersion}, ${version})`,
  sql`INSERT INTO tenantry.lease (token, holder, backend, expires_at) VALUES (0, 'nobody', 0, '-infinity')`,
];

/**
 * Whether the journal exists.
 * @throws AppError JOURNAL_INCOMPATIBLE when it is of a version that cannot be read, or one of its tables
 *   is missing
 */
export async function journalExists(session: Queries): Promise<boolean> {
  const seen = await readJournalVersion(session);
  if (seen === undefined) return false;
  if (seen >= oldestReadable) return true;
  throw incompatible(
    `is of version ${seen}, which an earlier Tenantry wrote`,
    [],
    "tenantry run, tenantry rollback or tenantry fence migrate it; or use the version of Tenantry that wrote it",
  );
}

/**
 * The journal's version; undefined where there is no journal.
 * @throws AppError JOURNAL_INCOMPATIBLE when it is of a later version or of none, or a table is missing
 */
export async function readJournalVersion(session: Queries): Promise<number | undefined> {
  const found = await session.rows(
    sql`
      SELECT c.relname::text AS name
        FROM pg_namespace n
        LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r'
       WHERE n.nspname = 'tenantry'
       ORDER BY c.relname
    `,
    z.object({ name: z.string().nullable() }),
  );
  if (found.length === 0) return undefined;
  const names = found.map(({ name }) => name);
  const missing = ["journal", "lease", "run", "step"].filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw incompatible(`lacks its ${missing.map((name) => `table ${name}`).join(", ")}`);
  }
  const versions = await session.rows(
    // By its name, because journals before version 4 do not have the column.
    sql`SELECT version, to_jsonb(j) ->> 'written_by' AS "writtenBy" FROM tenantry.journal AS j`,
    z.object({ version: z.number(), writtenBy: z.string().nullable() }),
  );
  const [only] = versions;
  if (versions.length !== 1 || only === undefined || only.version < 1) {
    const seen = versions.map(({ version }) => version).join(", ") || "none";
    throw incompatible(`is of version ${seen}, and this Tenantry reads version ${journalVersion}`);
  }
  if (only.version > journalVersion) throw tooNew(only);
  return only.version;
}

function tooNew(seen: { readonly version: number; readonly writtenBy: string | null }): AppError {
  const by = seen.writtenBy === null ? "a later version of Tenantry" : `Tenantry ${seen.writtenBy}`;
  return incompatible(
    `is of version ${seen.version}, which ${by} wrote; this is Tenantry ${version}, which reads version ${journalVersion}`,
    [],
    seen.writtenBy === null
      ? "use the version of Tenantry that wrote it"
      : `use Tenantry ${seen.writtenBy} or later: npm install tenantry@${seen.writtenBy}`,
  );
}

/** The error for a journal that cannot be used. */
export function incompatible(
  fault: string,
  details: readonly string[] = [],
  next = "use the version of Tenantry that wrote the journal, or restore the schema tenantry from the last backup",
): AppError {
  return new AppError({
    details,
    code: "JOURNAL_INCOMPATIBLE",
    object: "schema tenantry",
    fault: `the journal ${fault}`,
    state:
      "nothing was changed; rollback.sql beside each backup still undoes its stage with psql alone",
    next,
  });
}

/** Creates the journal where it does not exist; two sessions that do so at once create one. */
export async function createJournal(session: Session): Promise<void> {
  if (await journalExists(session)) return;
  await session.transaction(async (queries) => {
    await queries.execute(sql`SELECT pg_advisory_xact_lock(hashtext('tenantry journal'))`);
    const [there] = await queries.rows(
      sql`SELECT to_regnamespace('tenantry') IS NOT NULL AS there`,
      z.object({ there: z.boolean() }),
    );
    if (there?.there === true) return;
    for (const statement of tables) await queries.execute(statement);
  });
}
