import { expect, test } from "vitest";
import { z } from "zod";
import type { Queries, Session } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { makeProject } from "../setup/project.ts";
import {
  ann,
  bob,
  cid,
  countOf,
  dee,
  oneOrganization,
  outcomeOf,
  request,
  seenBy,
  smallDialler,
  twoOrganizations,
} from "./small-dialler.ts";
import { applyStage } from "./tenantry.ts";
import { day1, enableRowSecurityOnDay2, runPlan } from "./the-plan.ts";

/** An old policy of one tenant's years, which was no mistake then. */
const everybody = sql`CREATE POLICY "Enable all access" ON public.campaigns FOR ALL USING (true)`;
const withRowSecurity = sql`ALTER TABLE public.campaigns ENABLE ROW LEVEL SECURITY`;

/** The plan knows no second customer: after its Day 1, ann and bob become one. */
async function splitOff(session: Session, ...tables: readonly string[]): Promise<void> {
  const statements = [
    "INSERT INTO organizations (name, slug) VALUES ('Alpha Corp', 'alpha')",
    `UPDATE organization_users SET organization_id = (SELECT id FROM organizations WHERE slug = 'alpha') WHERE user_id IN ('${ann}', '${bob}')`,
    ...tables.map(
      (table) =>
        `UPDATE ${table} SET organization_id = (SELECT id FROM organizations WHERE slug = 'alpha') WHERE user_id IN ('${ann}', '${bob}')`,
    ),
  ];
  for (const statement of statements) await runPlan(session, statement);
}

test("an old policy that lets everybody in opens no way across organizations", async () => {
  const theirs = await smallDialler("old policy, the plan");
  await theirs.session.execute(withRowSecurity);
  await theirs.session.execute(everybody);
  await runPlan(theirs.session, day1("campaigns"));
  await splitOff(theirs.session, "campaigns");
  expect(await seenBy(theirs.session, ann, "campaigns")).toBe(4);

  const ours = await smallDialler("old policy, Tenantry");
  await ours.session.execute(withRowSecurity);
  await ours.session.execute(everybody);
  await applyStage(ours.session, twoOrganizations);
  expect(await seenBy(ours.session, ann, "campaigns")).toBe(2);
  expect(await seenBy(ours.session, cid, "campaigns")).toBe(2);
});

test("a policy that somebody adds later opens none either", async () => {
  const theirs = await smallDialler("later policy, the plan");
  await runPlan(theirs.session, day1("campaigns"));
  await splitOff(theirs.session, "campaigns");
  expect(await seenBy(theirs.session, ann, "campaigns")).toBe(2);
  await theirs.session.execute(everybody);
  expect(await seenBy(theirs.session, ann, "campaigns")).toBe(4);

  const ours = await smallDialler("later policy, Tenantry");
  await applyStage(ours.session, twoOrganizations);
  await ours.session.execute(everybody);
  expect(await seenBy(ours.session, ann, "campaigns")).toBe(2);
});

test("policies that narrow what users see stay as they are", async () => {
  const ownOnly = sql`CREATE POLICY "Own leads" ON public.leads FOR ALL USING (user_id = auth.uid())`;
  const leadsWithRowSecurity = sql`ALTER TABLE public.leads ENABLE ROW LEVEL SECURITY`;
  const theirs = await smallDialler("narrow policy, the plan");
  await theirs.session.execute(leadsWithRowSecurity);
  await theirs.session.execute(ownOnly);
  expect(await seenBy(theirs.session, dee, "leads")).toBe(10);
  await runPlan(theirs.session, day1("leads"));
  // OR-ed with the plan's: whoever saw their own leads now sees everybody's in the organization.
  expect(await seenBy(theirs.session, dee, "leads")).toBe(40);

  const ours = await smallDialler("narrow policy, Tenantry");
  await ours.session.execute(leadsWithRowSecurity);
  await ours.session.execute(ownOnly);
  await applyStage(ours.session, oneOrganization);
  expect(await seenBy(ours.session, dee, "leads")).toBe(10);
});

test("members write to the tables of Day 2 as they did", async () => {
  const write = (session: Session) =>
    outcomeOf(
      request(session, ann, (queries) =>
        queries.execute(sql`
          INSERT INTO public.campaigns (user_id, name, organization_id)
          SELECT ${ann}, 'new', id FROM organizations
        `),
      ),
    );
  const theirs = await smallDialler("Day 2, the plan");
  await runPlan(theirs.session, day1("campaigns"));
  // The plan has INSERT, UPDATE and DELETE "as needed": what it writes out is SELECT alone.
  await runPlan(
    theirs.session,
    `DO $$ DECLARE p name; BEGIN
       FOR p IN SELECT policyname FROM pg_policies WHERE tablename = 'campaigns' LOOP
         EXECUTE format('DROP POLICY %I ON campaigns', p);
       END LOOP;
     END $$;`,
    enableRowSecurityOnDay2("campaigns"),
  );
  expect(await write(theirs.session)).toBe("42501");

  const ours = await smallDialler("Day 2, Tenantry");
  const { campaigns, ...others } = oneOrganization.day1.tables;
  const config = { ...oneOrganization, day1: { tables: others }, day2: { tables: { campaigns } } };
  await applyStage(ours.session, config, "day1");
  await applyStage(ours.session, config, "day2");
  expect(await write(ours.session)).toBe("done");
});

test("members read what only admins may write", async () => {
  const theirs = await smallDialler("admins, the plan");
  await runPlan(
    theirs.session,
    day1("campaigns"),
    ...["view their", "update their", "delete their"].map(
      (verb) => `DROP POLICY "Users ${verb} org's campaigns" ON campaigns;`,
    ),
    `DROP POLICY "Users insert campaigns to their org" ON campaigns;
     CREATE POLICY "Admins manage campaigns"
       ON campaigns FOR ALL
       USING (
         organization_id IN (
           SELECT organization_id FROM organization_users 
           WHERE user_id = auth.uid() AND role IN ('owner', 'admin')
         )
       );`,
  );
  expect(await seenBy(theirs.session, dee, "campaigns")).toBe(0);

  const ours = await smallDialler("admins, Tenantry");
  await applyStage(ours.session, {
    ...oneOrganization,
    day1: {
      tables: {
        ...oneOrganization.day1.tables,
        campaigns: { source: "default", access: "admins" },
      },
    },
  });
  expect(await seenBy(ours.session, dee, "campaigns")).toBe(4);
  const rename = sql`UPDATE campaigns SET name = 'renamed'`;
  expect(await request(ours.session, dee, (queries) => queries.execute(rename))).toBe(0);
  expect(await request(ours.session, ann, (queries) => queries.execute(rename))).toBe(4);
});

test("the policies are asked once a query, and let it use the index", async () => {
  const planOf = async (queries: Queries): Promise<string> => {
    // Not what is cheaper on forty rows, but what is possible at all.
    await queries.execute(sql`SET LOCAL enable_seqscan = off`);
    const rows = await queries.rows(
      sql`EXPLAIN (COSTS OFF) SELECT * FROM public.leads`,
      z.object({ "QUERY PLAN": z.string() }),
    );
    return rows.map((row) => row["QUERY PLAN"]).join("\n");
  };
  const theirs = await smallDialler("index, the plan");
  await runPlan(theirs.session, day1("leads"));
  const plan = await request(theirs.session, ann, planOf);
  expect(plan).toContain("Seq Scan on leads");
  expect(plan).toContain("SubPlan");

  const ours = await smallDialler("index, Tenantry");
  await applyStage(ours.session, oneOrganization);
  const better = await request(ours.session, ann, planOf);
  expect(better).toContain("InitPlan");
  expect(better).toMatch(/Index Cond: \(organization_id = ANY/);
  expect(better).not.toContain("Seq Scan on leads");
});

test("isolation is tried as users whom it binds, and the trial leaves nothing behind", async () => {
  const theirs = await smallDialler("trial, the plan");
  await runPlan(theirs.session, day1("leads"));
  await runPlan(
    theirs.session,
    `INSERT INTO organizations (name, slug) VALUES ('Test Client A', 'test-client-a');
     INSERT INTO organization_users (organization_id, user_id, role)
     VALUES ((SELECT id FROM organizations WHERE slug = 'test-client-a'), '${ann}', 'owner');`,
  );
  // The plan's `SELECT * FROM leads` "as user1", as whoever runs the migration: the tables' owner.
  const asOwner = theirs.session.transaction(async (queries) => {
    await queries.execute(sql`SELECT set_config('request.jwt.claim.sub', ${ann}, TRUE)`);
    return countOf(queries, "leads");
  });
  expect(await asOwner).toBe(40);
  expect(await countOf(theirs.session, "organizations")).toBe(2);

  const ours = await smallDialler("trial, Tenantry");
  const project = await makeProject(ours.url, oneOrganization);
  expect(await project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({ code: 0 });
  expect(await countOf(ours.session, "organizations")).toBe(1);
  await ours.session.execute(sql`DROP POLICY "Only their org's leads" ON public.leads`);
  await ours.session.execute(sql`CREATE POLICY "Everybody" ON public.leads USING (true)`);
  const verified = await project.tenantry("--stage", "day1", "--verify");
  expect(verified.code).toBe(3);
  expect(verified.stdout + verified.stderr).toMatch(/leads as member of Test Client A/);
});
