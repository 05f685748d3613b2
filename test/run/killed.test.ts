import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import { killedProgram } from "../setup/built-program.ts";
import { createDatabase, makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { thorough } from "../setup/thorough.ts";

async function fingerprintOf(session: Session): Promise<string> {
  return (await readSnapshot(session)).fingerprint.digest;
}

/** Every row of the small company with its organization. */
async function rowsOf(session: Session): Promise<string[]> {
  const rows = await session.rows(
    sql`
      SELECT 'lead ' || id || ' ' || organization_id AS row FROM leads
       UNION ALL
      SELECT 'call ' || id || ' ' || organization_id FROM calls
       UNION ALL
      -- Day 2 gives settings their organization.
      SELECT 'setting ' || name || coalesce(' ' || (to_jsonb(s) ->> 'organization_id'), '') FROM settings AS s
       ORDER BY 1
    `,
    z.object({ row: z.string() }),
  );
  return rows.map(({ row }) => row);
}

/** Runs a stage that kills itself at an event, and gives the events until then. */
async function runKilledAt(
  project: Project,
  url: string,
  { stage, event }: { readonly stage: string; readonly event: number },
): Promise<string[]> {
  const { stdout } = await execa(
    process.execPath,
    [killedProgram, String(event), "run", "--stage", stage, "--yes", "--json"],
    { cwd: project.folder, env: { DATABASE_URL: url }, reject: false, stdin: "ignore" },
  );
  return stdout
    .split("\n")
    .filter((line) => line !== "" && !/"kind":"(backup-progress|step-waiting)"/.test(line));
}

/** A copy of a database that nobody is connected to. */
async function copyOf(template: string, name: string): Promise<TestDatabase> {
  const server = await openSession({ url: inject("databaseUrl") });
  await server.execute(sql`DROP DATABASE IF EXISTS ${ident(name)} WITH (FORCE)`);
  await server.execute(sql`CREATE DATABASE ${ident(name)} TEMPLATE ${ident(template)}`);
  await server.close();
  const url = new URL(inject("databaseUrl"));
  url.pathname = `/${name}`;
  const session = await openSession({ url: url.href });
  return {
    name,
    url: url.href,
    session,
    async drop() {
      await session.close();
      const again = await openSession({ url: inject("databaseUrl") });
      await again.execute(sql`DROP DATABASE ${ident(name)} WITH (FORCE)`);
      await again.close();
    },
  };
}

/** After what is committed and before the next is begun, once in a backfill, and around a stage. */
function boundaries(events: readonly string[]): number[] {
  const kinds = events.map((line) => z.object({ kind: z.string() }).parse(JSON.parse(line)).kind);
  const always = ["backup-finished", "step-applied", "stage-verified", "stage-applied"];
  return kinds.flatMap((kind, index) =>
    always.includes(kind) || (kind !== kinds[index - 1] && kind === "step-progress")
      ? [index + 1]
      : [],
  );
}

/** The database before each stage: a template that copies are made of. Each stage's test leaves the next one's. */
const templates = new Map<string, TestDatabase>();
let before: string;

beforeAll(async () => {
  const company = await makeDatabase("killed at every event");
  await makeSmallCompany(company.session, 600);
  before = await fingerprintOf(company.session);
  await company.session.close();
  templates.set("day1", company);
});
afterAll(async () => {
  for (const template of templates.values()) await template.drop();
});

function nameOf(stage: string): string {
  const template = templates.get(stage);
  if (template === undefined) throw new Error(`there is no template for ${stage}`);
  return template.name;
}

test.for([
  ["day1", "day2"],
  ["day2", "day3"],
  ["day3", "the end"],
] as const)(
  "%s that is killed at a step's boundary ends, run again, where an undisturbed one does",
  {
    timeout: 600_000,
  },
  async ([stage, next]) => {
    const name = nameOf(stage);
    const undisturbed = await copyOf(name, `${name.slice(0, 40)}_${stage}_undisturbed`);
    const project = await makeProject(undisturbed.url, smallCompany);
    const events = await runKilledAt(project, undisturbed.url, { stage, event: -1 });
    const wanted = await fingerprintOf(undisturbed.session);
    const rows = await rowsOf(undisturbed.session);
    await undisturbed.session.close();
    templates.set(next, undisturbed);
    const all = boundaries(events);
    // All statements of all commands are in npm run chaos.
    const killed = all.filter(
      (_, index) => thorough || index % 4 === 0 || index === all.length - 1,
    );
    expect(all.length).toBeGreaterThan(3);

    for (const [index, event] of killed.entries()) {
      const copy = await copyOf(name, `${name.slice(0, 40)}_${stage}_killed`);
      const seen = await runKilledAt(project, copy.url, { stage, event });
      expect(seen).toHaveLength(event);
      const again = await makeProject(copy.url, smallCompany);
      const outcome = await again.tenantry("run", "--stage", stage, "--yes");
      // After the last boundary there is nothing left to run.
      const done = index === killed.length - 1;
      expect([event, seen.at(-1), outcome.code, outcome.stderr]).toEqual([
        event,
        seen.at(-1),
        done ? 2 : 0,
        expect.any(String),
      ]);
      expect([event, await fingerprintOf(copy.session)]).toEqual([event, wanted]);
      expect(await rowsOf(copy.session)).toEqual(rows);
      if (index % 2 === 0) {
        expect(await again.tenantry("rollback", "--all", "--yes")).toMatchObject({ code: 0 });
        expect(await fingerprintOf(copy.session)).toBe(before);
      }
      await copy.drop();
    }
  },
);

test("a killed backfill goes on where it stopped, and writes no row twice", async () => {
  const { session, url } = await createDatabase("killed backfill");
  await makeSmallCompany(session, 60_000);
  const project = await makeProject(url, smallCompany);
  const started = project.start("run", "--yes");
  const cursor = sql`
    SELECT next_page::integer AS page, total_pages::integer AS total
      FROM tenantry.step s
      JOIN tenantry.run r ON r.id = s.run_id AND r.state = 'running'
     WHERE s.id = 'day1/leads/backfill'
       AND next_page > 50
  `;
  const row = z.object({ page: z.number(), total: z.number() });
  // Until the journal is there, asking it fails.
  await vi.waitFor(async () => expect(await session.rows(cursor, row)).toHaveLength(1), {
    timeout: 30_000,
    interval: 5,
  });
  started.kill("SIGKILL");
  await started.ended;
  const [stopped] = await session.rows(cursor, row);
  expect(stopped?.page).toBeLessThan(stopped?.total ?? 0);

  expect(await project.tenantry("run", "--yes")).toMatchObject({ code: 0 });
  const [written] = await session.rows(
    sql`
      SELECT rows_written::integer AS rows
        FROM tenantry.step s
        JOIN tenantry.run r ON r.id = s.run_id AND r.state = 'applied'
       WHERE s.id = 'day1/leads/backfill'
    `,
    z.object({ rows: z.number() }),
  );
  expect(written?.rows).toBe(60_000);
});

/** Starts a run whose index build waits for a transaction of ours, and kills it there. */
async function killWhileIndexing(project: Project, session: Session, url: string) {
  const older = await openSession({ url }, "older transaction");
  await older.execute(sql`BEGIN`);
  await older.execute(sql`LOCK TABLE leads IN ROW EXCLUSIVE MODE`);
  const started = project.start("run", "--yes");
  const builders = () =>
    session.rows(
      sql`SELECT pid FROM pg_stat_progress_create_index WHERE relid = 'leads'::regclass`,
      z.object({ pid: z.number() }),
    );
  // The column step waits for our lock too: let it through, then take the lock again.
  await older.execute(sql`COMMIT`);
  await older.execute(sql`BEGIN ISOLATION LEVEL REPEATABLE READ`);
  await older.execute(sql`SELECT txid_current()`);
  const building = await vi.waitUntil(
    async () => {
      const found = await builders();
      return found.length > 0 && found;
    },
    { timeout: 20_000 },
  );
  started.kill("SIGKILL");
  await started.ended;
  return { older, builder: building[0]?.pid ?? 0 };
}

test("after a kill during an index build, the server's own build is waited for and used", async () => {
  const { session, url } = await createDatabase("killed while indexing");
  await makeSmallCompany(session);
  const project = await makeProject(url, smallCompany);
  const { older } = await killWhileIndexing(project, session, url);

  const again = project.start("run", "--yes");
  const takenOver = sql`SELECT token FROM tenantry.lease WHERE token >= 2 AND expires_at > now()`;
  await vi.waitFor(
    async () =>
      expect(await session.rows(takenOver, z.object({ token: z.string() }))).toHaveLength(1),
    { timeout: 20_000 },
  );
  await sleep(1000);
  await older.execute(sql`COMMIT`);
  await older.close();
  const outcome = await again.ended;
  expect(outcome.stderr).toContain("the server still builds it");
  expect(outcome.code).toBe(0);
});

test("an index that a killed build left invalid is dropped and built again", async () => {
  const { session, url } = await createDatabase("invalid index");
  await makeSmallCompany(session);
  const project = await makeProject(url, smallCompany);
  const { older, builder } = await killWhileIndexing(project, session, url);
  await session.execute(sql`SELECT pg_terminate_backend(${builder})`);
  await older.execute(sql`COMMIT`);
  await older.close();
  const invalid = sql`SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid`;
  expect(await session.rows(invalid, z.object({ name: z.string() }))).toEqual([
    { name: "idx_leads_org_id" },
  ]);

  expect(await project.tenantry("run", "--yes")).toMatchObject({ code: 0 });
  expect(await session.rows(invalid, z.object({ name: z.string() }))).toEqual([]);
});
