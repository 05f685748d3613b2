import { expect, test, vi } from "vitest";
import { z } from "zod";
import { openSession } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const leads = 20_000;

const backfill = sql`
  SELECT next_page::integer AS page, rows_written::integer AS rows
    FROM tenantry.step
   WHERE id = 'day1/leads/backfill'
`;
const row = z.object({ page: z.number(), rows: z.number() });

test("an idle session goes on behind a batch that waits; killed then, no row is left out or written twice", {
  timeout: 240_000,
}, async () => {
  const { session, url } = await createDatabase("helped backfill");
  await makeSmallCompany(session, leads);
  // A column that is there already needs no lock that a locked row would be in the way of.
  await session.execute(sql`ALTER TABLE leads ADD COLUMN organization_id uuid`);
  const editor = await openSession({ url }, "editor");
  await editor.execute(sql`BEGIN`);
  await editor.execute(sql`SELECT FROM leads WHERE id = 1 FOR UPDATE`);
  const project = await makeProject(url, smallCompany);
  const started = project.start("run", "--yes", "--stage", "day1");
  // Until the journal is there, asking it fails.
  const before = await vi.waitFor(
    async () => {
      const [seen] = await session.rows(backfill, row);
      expect(seen?.rows).toBeGreaterThan(leads / 2);
      return seen;
    },
    { timeout: 100_000, interval: 20 },
  );
  // The first page is locked, so that is where a killed run goes on.
  expect(before?.page).toBe(0);
  started.kill("SIGKILL");
  await started.ended;
  await editor.execute(sql`COMMIT`);
  await editor.close();
  const outcome = await project.tenantry("run", "--yes", "--stage", "day1");
  expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
  expect((await session.rows(backfill, row)).map(({ rows }) => rows)).toEqual([leads]);
});
