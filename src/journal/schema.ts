import { z } from "zod";
import { AppError } from "../errors.ts";
import type { Queries, Session } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";

/** The version of the tables below; a journal of another version is refused. */
export const journalVersion = 3;

const tables: readonly Sql[] = [
  sql`CREATE SCHEMA tenantry`,
  sql`CREATE TABLE tenantry.journal (
  version integer NOT NULL,
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
  sql`INSERT INTO tenantry.journal (version) VALUES (${journalVersion})`,
  sql`INSERT INTO tenantry.lease (token, holder, backend, expires_at) VALUES (0, 'nobody', 0, '-infinity')`,
];

/**
 * Whether the journal exists.
 * @throws AppError JOURNAL_INCOMPATIBLE when it is of another version, or one of its tables is missing
 */
export async function journalExists(session: Queries): Promise<boolean> {
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
  if (found.length === 0) return false;
  const names = found.map(({ name }) => name);
  const missing = ["journal", "lease", "run", "step"].filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw incompatible(`lacks its ${missing.map((name) => `table ${name}`).join(", ")}`);
  }
  const versions = await session.rows(
    sql`SELECT version FROM tenantry.journal`,
    z.object({ version: z.number() }),
  );
  if (versions.length !== 1 || versions[0]?.version !== journalVersion) {
    const seen = versions.map(({ version }) => version).join(", ") || "none";
    throw incompatible(`is of version ${seen}, and this Tenantry reads version ${journalVersion}`);
  }
  return true;
}

/** The error for a journal that cannot be used. */
export function incompatible(fault: string, details: readonly string[] = []): AppError {
  return new AppError({
    details,
    code: "JOURNAL_INCOMPATIBLE",
    object: "schema tenantry",
    fault: `the journal ${fault}`,
    state:
      "nothing was changed; rollback.sql beside each backup still undoes its stage with psql alone",
    next: "use the version of Tenantry that wrote the journal, or restore the schema tenantry from the last backup",
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
