import type { Config } from "../src/config/schema.ts";
import { demoConfig } from "../src/demo/config.ts";
import { type Session, sqlState } from "../src/postgres/connection.ts";
import { raw } from "../src/postgres/sql.ts";
import {
  addColumn,
  backfill,
  createDefaultOrganization,
  createIndex,
  defaultOrganization,
  enableRowSecurity,
  hour1WithoutRecursion,
  joinEverybody,
  setNotNull,
} from "../test/mistakes/the-plan.ts";
import type { Bench, Ran } from "./setup.ts";

/** One way to make the twenty tables multi-tenant, on a database of its own. */
export type Contender = {
  readonly name: string;
  readonly about: string;
  run(bench: Bench, session: Session, url: string): Promise<Partial<Ran>>;
  /** What comes once the application names its organization: nobody writes without one any more. */
  finish?(bench: Bench, url: string): Promise<Ran>;
};

const tables = [demoConfig.day1, demoConfig.day2].flatMap((day) => Object.keys(day.tables));

/** Every table of the demo is all the default organization's. */
export const constant: Config = {
  ...demoConfig,
  organizations: [],
  // The others make nothing one per organization either.
  hardening: {},
  day1: {
    tables: Object.fromEntries(
      Object.keys(demoConfig.day1.tables).map((name) => [name, "default" as const]),
    ),
  },
  day2: {
    tables: Object.fromEntries(
      Object.keys(demoConfig.day2.tables).map((name) => [name, "default" as const]),
    ),
  },
};

/** Each row's organization is looked up: three organizations, four kinds of sources. */
export const mapped: Config = { ...demoConfig, hardening: {} };

async function execute(session: Session, statements: readonly string[]): Promise<Partial<Ran>> {
  for (const statement of statements) await session.execute(raw(statement));
  return {};
}

const organizations = [hour1WithoutRecursion, createDefaultOrganization, joinEverybody];

/** The plan's steps, in its order: all tables take one step before the next. */
const plan: Contender = {
  name: "the plan's SQL",
  about:
    "each statement as the plan has it, after its plain pg_dump before each day; its missing memberships are added, and what writers leave without an organization is filled again",
  async run({ dump }, session, url) {
    // The rows of all three days are the same: one after the other tells as much.
    const started = performance.now();
    for (let day = 1; day <= 3; day += 1) await dump(url);
    const backupsInMilliseconds = performance.now() - started;
    const steps = [addColumn, createIndex, enableRowSecurity, backfill];
    const all = steps.flatMap((step) => tables.map((table) => step(table)));
    await execute(session, [...organizations, ...all]);
    for (const table of tables) await fillUntilNotNull(session, table);
    return { backupsInMilliseconds };
  },
};

/** Whoever types the plan meets a row that came meanwhile, and fills and tries again. */
async function fillUntilNotNull(session: Session, table: string): Promise<void> {
  for (;;) {
    try {
      await execute(session, [setNotNull(table)]);
      return;
    } catch (error) {
      if (sqlState(error) !== "23502") throw error;
      await execute(session, [backfill(table)]);
    }
  }
}

/** What no way of doing it online can do without. */
export const floor: Contender = {
  name: "the floor",
  about:
    "the column with a constant default, CREATE INDEX CONCURRENTLY, VALIDATE, and nothing else",
  run: (_, session) =>
    execute(session, [
      ...organizations,
      ...tables.flatMap((table) => [
        `ALTER TABLE ${table} ADD COLUMN organization_id uuid NOT NULL DEFAULT '${defaultOrganization}'`,
        `CREATE INDEX CONCURRENTLY idx_${table}_org_id ON ${table} (organization_id)`,
        `ALTER TABLE ${table} ADD CONSTRAINT ${table}_org FOREIGN KEY (organization_id) REFERENCES organizations NOT VALID`,
        `ALTER TABLE ${table} VALIDATE CONSTRAINT ${table}_org`,
      ]),
    ]),
};

/**
 * Batches of a thousand rows by key, each its own transaction, with a trigger that keeps new rows:
 * pgroll's backfill as its source has it (v0.14: LIMIT 1000, FOR NO KEY UPDATE, a no-op update).
 */
const batches: Contender = {
  name: "batches by key",
  about:
    "a trigger for new rows, then batches of 1,000 by key as pgroll publishes them; then index and NOT NULL by CHECK",
  async run(_, session) {
    await execute(session, [
      ...organizations,
      `CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS
       'BEGIN NEW.organization_id := coalesce(NEW.organization_id, ''${defaultOrganization}''); RETURN NEW; END'`,
    ]);
    for (const table of tables) {
      await execute(session, [
        `ALTER TABLE ${table} ADD COLUMN organization_id uuid`,
        `CREATE TRIGGER fill BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION fill()`,
      ]);
      await execute(session, [backfillByKey(table)]);
      await execute(session, [
        `CREATE INDEX CONCURRENTLY idx_${table}_org_id ON ${table} (organization_id)`,
        `ALTER TABLE ${table} ADD CONSTRAINT ${table}_org FOREIGN KEY (organization_id) REFERENCES organizations NOT VALID,
           ADD CONSTRAINT ${table}_filled CHECK (organization_id IS NOT NULL) NOT VALID`,
        `ALTER TABLE ${table} VALIDATE CONSTRAINT ${table}_org`,
        `ALTER TABLE ${table} VALIDATE CONSTRAINT ${table}_filled`,
        `ALTER TABLE ${table} ALTER COLUMN organization_id SET NOT NULL`,
      ]);
    }
    return {};
  },
};

/** A loop on the server that commits each batch: without the round trips of a client. */
function backfillByKey(table: string): string {
  return `DO $$
DECLARE
  last uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
  LOOP
    WITH batch AS (
      SELECT id FROM ${table} WHERE id > last ORDER BY id LIMIT 1000 FOR NO KEY UPDATE
    ), updated AS (
      UPDATE ${table} SET id = ${table}.id FROM batch WHERE ${table}.id = batch.id RETURNING ${table}.id
    )
    SELECT (array_agg(id ORDER BY id DESC))[1] INTO last FROM updated;
    EXIT WHEN last IS NULL;
    COMMIT;
  END LOOP;
END $$`;
}

function tenantry(name: string, about: string, config: Config): Contender {
  return {
    name,
    about,
    async run({ tenantry: start }, _, url) {
      const day1 = await start(config, ["run", "--yes", "--stage", "day1"], url);
      const day2 = await start(config, ["run", "--yes", "--stage", "day2"], url);
      return {
        milliseconds: day1.milliseconds + day2.milliseconds,
        peakBytes: Math.max(day1.peakBytes ?? 0, day2.peakBytes ?? 0),
      };
    },
    finish: ({ tenantry: start }, url) => start(config, ["run", "--yes", "--stage", "day3"], url),
  };
}

export const contenders: readonly Contender[] = [
  plan,
  batches,
  floor,
  tenantry(
    "Tenantry, one organization",
    "the three days with their backups, steps, verification and isolation proofs; all rows are one organization's",
    constant,
  ),
  tenantry(
    "Tenantry, mapped",
    "the same, where each row's organization is looked up: three organizations, four kinds of sources",
    mapped,
  ),
];
