import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { makeDialler } from "../../src/demo/dialler.ts";
import { startOldApplication } from "../../src/demo/old-application.ts";
import type { Queries } from "../../src/postgres/connection.ts";
import { ident, raw, sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";

const planTables = [
  "agent_availability",
  "ai_conversations",
  "call_logs",
  "call_queue",
  "campaign_workflows",
  "campaigns",
  "carrier_assignments",
  "carriers",
  "contact_lists",
  "disposition_metrics",
  "dispositions",
  "dnc_list",
  "lead_workflow_progress",
  "leads",
  "ml_training_data",
  "phone_numbers",
  "scripts",
  "sms_messages",
  "voice_broadcast",
  "workflow_steps",
];

async function texts(queries: Queries, statement: ReturnType<typeof sql>): Promise<string[]> {
  const rows = await queries.rows(statement, z.object({ text: z.string() }));
  return rows.map(({ text }) => text);
}

async function countOf(queries: Queries, table: string): Promise<number> {
  const [count] = await texts(
    queries,
    sql`SELECT count(*)::text AS text FROM ${ident({ schema: "public", name: table })}`,
  );
  return Number(count);
}

test("the dialler has the plan's twenty tables, none of them empty, and no row without its parent", async () => {
  const { session } = await createDatabase("the dialler has twenty tables");
  expect(await makeDialler(session, { rows: 2000 })).toEqual({
    leads: 750,
    callLogs: 1250,
    messages: 800,
  });
  const tables = await texts(
    session,
    sql`SELECT tablename AS text FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename`,
  );
  expect(tables).toEqual(planTables);
  for (const table of tables) expect(await countOf(session, table), table).toBeGreaterThan(0);
  // The rows went in unchecked: adding each foreign key again checks them.
  const foreignKeys = await texts(
    session,
    sql`
      SELECT format('ALTER TABLE %s ADD %s', conrelid::regclass, pg_get_constraintdef(oid)) AS text
      FROM pg_constraint
      WHERE contype = 'f'
    `,
  );
  expect(foreignKeys.length).toBeGreaterThan(20);
  for (const foreignKey of foreignKeys) await session.execute(raw(foreignKey));
  const mixed = await texts(
    session,
    sql`
      SELECT 'call' AS text
      FROM public.call_logs
      JOIN public.leads ON leads.id = lead_id
      JOIN public.campaigns ON campaigns.id = campaign_id
      WHERE leads.user_id <> campaigns.user_id
      UNION ALL
      SELECT 'progress'
      FROM public.lead_workflow_progress
      JOIN public.leads ON leads.id = lead_id
      JOIN public.campaign_workflows ON campaign_workflows.id = workflow_id
      JOIN public.campaigns ON campaigns.id = campaign_id
      WHERE leads.user_id <> campaigns.user_id
    `,
  );
  expect(mixed).toEqual([]);
});

test("the old application writes without a failure, and counts what is there", async () => {
  const { session, url } = await createDatabase("the old application writes");
  const { leads } = await makeDialler(session, { rows: 2000 });
  const application = await startOldApplication(url);
  await sleep(2000);
  expect(application.report().writes).toBeGreaterThan(100);
  const report = await application.stop();
  expect(report.failures).toEqual([]);
  expect(report.failed).toBe(0);
  expect(report.longestWaitInMilliseconds).toBeGreaterThanOrEqual(report.p99InMilliseconds);
  expect(await countOf(session, "leads")).toBe(leads + (report.insertedByTable["leads"] ?? 0));
  expect(report.deletedByTable["dispositions"]).toBeGreaterThan(0);
});

test("the old application reports what is refused, and updates that reach no row", async () => {
  const { session, url } = await createDatabase("the old application reports");
  await makeDialler(session, { rows: 2000 });
  await session.execute(sql`ALTER TABLE public.leads ENABLE ROW LEVEL SECURITY`);
  const application = await startOldApplication(url, { writesPerSecond: 300, sessions: 1 });
  await sleep(500);
  const { failures, failed } = await application.stop();
  expect(failed).toBeGreaterThan(0);
  expect(failures).toEqual(
    expect.arrayContaining([
      expect.stringContaining("insert leads as authenticated: new row violates row-level security"),
      "update leads as authenticated: UPDATE of an own lead touched 0 rows",
    ]),
  );
});

test("two diallers can be made on one server at the same time", async () => {
  const databases = await Promise.all(
    ["first dialler", "second dialler"].map((name) => createDatabase(name)),
  );
  await Promise.all(databases.map(({ session }) => makeDialler(session, { rows: 200 })));
  for (const { session } of databases) expect(await countOf(session, "leads")).toBe(100);
});
