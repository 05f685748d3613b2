import { expect, test } from "vitest";
import { z } from "zod";
import type { Session } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { makeProject } from "../setup/project.ts";
import {
  ann,
  another,
  cid,
  dee,
  insertLead,
  oneOrganization,
  online,
  outcomeOf,
  outcomeWithin,
  request,
  seenBy,
  smallDialler,
  twoOrganizations,
} from "./small-dialler.ts";
import { applyStage, applyStep, stepsOf } from "./tenantry.ts";
import {
  addColumn,
  backfill,
  createDefaultOrganization,
  createIndex,
  defaultOrganization,
  enableRowSecurity,
  hour1WithoutRecursion,
  joinEverybody,
  runPlan,
  setNotNull,
} from "./the-plan.ts";

const manyLeads = 20_000;
/** How long the writers of these tests wait for a row before they give up. */
const patience = 2000;

async function sizeOfLeads(session: Session): Promise<number> {
  const [row] = await session.rows(
    sql`SELECT pg_table_size('public.leads') AS bytes`,
    z.object({ bytes: z.coerce.number() }),
  );
  return row?.bytes ?? 0;
}

/** In how many transactions the rows were written that only the backfill wrote. */
async function transactionsOf(session: Session): Promise<number> {
  const [row] = await session.rows(
    sql`SELECT count(DISTINCT xmin::text) AS count FROM public.leads WHERE status = 'new'`,
    z.object({ count: z.coerce.number() }),
  );
  return row?.count ?? 0;
}

function touch(lead: number) {
  return sql`UPDATE public.leads SET status = 'touched' WHERE id = ${lead}`;
}

test("a table whose rows are all in one organization is not written anew", async () => {
  const theirs = await smallDialler("size, the plan", manyLeads);
  await runPlan(theirs.session, hour1WithoutRecursion, createDefaultOrganization);
  const before = await sizeOfLeads(theirs.session);
  await runPlan(theirs.session, addColumn("leads"), backfill("leads"));
  expect(await sizeOfLeads(theirs.session)).toBeGreaterThan(before * 1.9);

  const ours = await smallDialler("size, Tenantry", manyLeads);
  await applyStage(ours.session, oneOrganization);
  expect(await sizeOfLeads(ours.session)).toBeLessThan(before * 1.1);
  expect(await seenBy(ours.session, ann, "leads")).toBe(manyLeads);
});

test("no writer waits for the whole backfill: each batch is a transaction of its own", async () => {
  const theirs = await smallDialler("batches, the plan", manyLeads);
  const blocked = await another(theirs);
  await runPlan(theirs.session, hour1WithoutRecursion, createDefaultOrganization);
  await runPlan(theirs.session, addColumn("leads"));
  await theirs.session.transaction(async (queries) => {
    await runPlan(queries, backfill("leads"));
    for (const lead of [1, manyLeads / 2, manyLeads]) {
      expect(await outcomeWithin(blocked, patience / 4, touch(lead))).toBe("55P03");
    }
  });
  expect(await transactionsOf(theirs.session)).toBe(1);

  const ours = await smallDialler("batches, Tenantry", manyLeads);
  const writer = await another(ours);
  const project = await makeProject(ours.url, twoOrganizations);
  const run = project.tenantry("run", "--yes", "--stage", "day1", "--json");
  let running = true;
  const ended = run.finally(() => {
    running = false;
  });
  const outcomes = new Set<string>();
  for (let lead = 1; running; lead = (lead * 7919) % manyLeads) {
    outcomes.add(await outcomeWithin(writer, patience, touch(lead + 1)));
  }
  const { code, stdout, stderr } = await ended;
  expect(code, stderr).toBe(0);
  expect([...outcomes]).toEqual(["done"]);
  expect(await transactionsOf(ours.session)).toBeGreaterThan(3);
  const batches = stdout
    .split("\n")
    .filter((line) => line.includes("step-progress") && line.includes("day1/leads/backfill"));
  expect(batches.length).toBeGreaterThan(3);
});

test("what the old application inserts meanwhile stops nothing", async () => {
  const theirs = await smallDialler("inserted meanwhile, the plan");
  await runPlan(theirs.session, hour1WithoutRecursion, createDefaultOrganization);
  await runPlan(theirs.session, addColumn("leads"), createIndex("leads"), backfill("leads"));
  await insertLead(theirs.session, "service_role", ann);
  expect(await outcomeOf(runPlan(theirs.session, setNotNull("leads")))).toBe("23502");

  for (const [title, config] of [
    ["by default", oneOrganization],
    ["by batches", twoOrganizations],
  ] as const) {
    const ours = await smallDialler(`inserted meanwhile, ${title}`);
    let inserted = 0;
    for (const step of await stepsOf(ours.session, { ...config, online }, "day1")) {
      await applyStep(ours.session, step);
      inserted += await insertLead(ours.session, "service_role", ann);
      inserted += await insertLead(ours.session, ann);
    }
    const [row] = await ours.session.rows(
      sql`
        SELECT count(*) AS count, count(organization_id) AS attributed
          FROM public.leads
      `,
      z.object({ count: z.coerce.number(), attributed: z.coerce.number() }),
    );
    expect(row).toEqual({ count: 40 + inserted, attributed: 40 + inserted });
  }
});

test("nobody loses sight of a row, nor the right to write one, at any step", async () => {
  const theirs = await smallDialler("outage, the plan");
  const { session } = theirs;
  await runPlan(session, hour1WithoutRecursion, createDefaultOrganization, joinEverybody);
  expect(await seenBy(session, cid, "leads")).toBe(40);
  await runPlan(session, addColumn("leads"), createIndex("leads"), enableRowSecurity("leads"));
  expect(await seenBy(session, cid, "leads")).toBe(0);
  expect(await outcomeOf(insertLead(session, cid))).toBe("42501");
  await runPlan(session, backfill("leads"));
  expect(await seenBy(session, cid, "leads")).toBe(40);

  for (const [title, config] of [
    ["at once", oneOrganization],
    ["by default", { ...oneOrganization, online }],
    ["by batches", { ...twoOrganizations, online }],
  ] as const) {
    const ours = await smallDialler(`outage, ${title}`);
    let expected = 20;
    for (const step of await stepsOf(ours.session, config, "day1")) {
      await applyStep(ours.session, step);
      expect(await theirLeads(ours.session), `${title}: ${step.id}`).toBe(expected);
      expected += await insertLead(ours.session, cid);
      expect(await theirLeads(ours.session), `${title}: ${step.id}`).toBe(expected);
    }
  }
});

/** The leads of cid and dee, who stay together in every configuration, as cid sees them. */
function theirLeads(session: Session): Promise<number> {
  const theirs = sql`SELECT count(*) AS count FROM public.leads WHERE user_id IN (${cid}, ${dee})`;
  return request(session, cid, async (queries) => {
    const [row] = await queries.rows(theirs, z.object({ count: z.coerce.number() }));
    return row?.count ?? 0;
  });
}

test("a row goes to the organization that owns it, and a child to its parent's", async () => {
  const wrong = sql`
    SELECT count(*) AS count
      FROM public.call_logs c
      JOIN public.leads l ON l.id = c.lead_id
     WHERE c.organization_id <> l.organization_id
        OR (SELECT count(*) FROM organization_users m
             WHERE m.user_id = l.user_id AND m.organization_id = l.organization_id) <> 1
  `;
  const count = z.object({ count: z.coerce.number() });
  const theirs = await smallDialler("sources, the plan");
  await runPlan(theirs.session, hour1WithoutRecursion, createDefaultOrganization);
  await runPlan(
    theirs.session,
    `INSERT INTO organizations (name, slug) VALUES ('Alpha Corp', 'alpha');
     INSERT INTO organization_users (organization_id, user_id)
     SELECT CASE WHEN email LIKE '%@alpha.example'
                 THEN (SELECT id FROM organizations WHERE slug = 'alpha')
                 ELSE '${defaultOrganization}' END, id
       FROM auth.users;`,
    ...["leads", "call_logs"].flatMap((table) => [addColumn(table), backfill(table)]),
  );
  expect(await theirs.session.rows(wrong, count)).toEqual([{ count: 20 }]);

  const ours = await smallDialler("sources, Tenantry");
  await applyStage(ours.session, twoOrganizations);
  expect(await ours.session.rows(wrong, count)).toEqual([{ count: 0 }]);
});

test("the backfill is no change of the application's: none of its triggers fires", async () => {
  const withTrigger = async (name: string): Promise<Session> => {
    const { session } = await smallDialler(name);
    for (const statement of [
      "ALTER TABLE leads ADD COLUMN updated_at timestamptz NOT NULL DEFAULT '2020-01-01'",
      `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN NEW.updated_at = now(); RETURN NEW; END $$`,
      "CREATE TRIGGER touch BEFORE UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION touch()",
    ]) {
      await runPlan(session, statement);
    }
    return session;
  };
  const changed = async (session: Session) => {
    const query = sql`SELECT count(*) AS count FROM public.leads WHERE updated_at <> '2020-01-01'`;
    const [row] = await session.rows(query, z.object({ count: z.coerce.number() }));
    return row?.count;
  };
  const theirs = await withTrigger("triggers, the plan");
  await runPlan(theirs, hour1WithoutRecursion, createDefaultOrganization);
  await runPlan(theirs, addColumn("leads"), backfill("leads"));
  expect(await changed(theirs)).toBe(40);

  for (const [title, config] of [
    ["at once", twoOrganizations],
    ["by batches", { ...twoOrganizations, online }],
  ] as const) {
    const ours = await withTrigger(`triggers, ${title}`);
    await applyStage(ours, config);
    expect(await changed(ours), title).toBe(0);
  }
});

test("an index that is there before the backfill is written row by row; one that is built after it is not", async () => {
  const filled = async (name: string, ...before: readonly string[]) => {
    const { session } = await smallDialler(name, manyLeads);
    await runPlan(session, hour1WithoutRecursion, createDefaultOrganization);
    await runPlan(session, addColumn("leads"), ...before);
    const [row] = await session.rows(
      raw(`EXPLAIN (ANALYZE, WAL, FORMAT JSON) ${backfill("leads")}`),
      z.object({
        "QUERY PLAN": z.tuple([z.object({ Plan: z.object({ "WAL Bytes": z.number() }) })]),
      }),
    );
    return { session, wal: row?.["QUERY PLAN"][0].Plan["WAL Bytes"] ?? 0 };
  };
  const first = await filled("index first", createIndex("leads"));
  const last = await filled("index last");
  await runPlan(last.session, createIndex("leads"));
  const [built] = await last.session.rows(
    sql`SELECT pg_relation_size('public.idx_leads_org_id') AS bytes`,
    z.object({ bytes: z.coerce.number() }),
  );
  expect(first.wal - last.wal).toBeGreaterThan(2 * (built?.bytes ?? Number.NaN));

  const ours = await smallDialler("index, Tenantry");
  const steps = await stepsOf(ours.session, { ...twoOrganizations, online }, "day1");
  const ids = steps.map(({ id }) => id);
  expect(ids.indexOf("day1/leads/index")).toBe(ids.indexOf("day1/leads/backfill") + 1);
});
