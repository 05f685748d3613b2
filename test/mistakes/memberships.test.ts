import { expect, test } from "vitest";
import { z } from "zod";
import { sql } from "../../src/postgres/sql.ts";
import {
  ann,
  cid,
  dee,
  insertLead,
  oneOrganization,
  outcomeOf,
  request,
  seenBy,
  smallDialler,
  twoOrganizations,
} from "./small-dialler.ts";
import { applyStage } from "./tenantry.ts";
import {
  addColumn,
  backfill,
  createDefaultOrganization,
  day1,
  enableRowSecurity,
  hour1,
  hour1WithCoreUuids,
  hour1WithoutRecursion,
  runPlan,
} from "./the-plan.ts";

const newUser = "00000000-0000-4000-8000-0000000000ff";
const signUp = sql`INSERT INTO auth.users (id, email) VALUES (${newUser}, 'new@dialler.example')`;

test("asking a tenant table as a signed-in user answers, instead of recursing without end", async () => {
  const theirs = await smallDialler("recursion, the plan");
  await runPlan(theirs.session, hour1WithCoreUuids, addColumn("leads"), enableRowSecurity("leads"));
  for (const table of ["leads", "organizations", "organization_users"]) {
    await expect(seenBy(theirs.session, ann, table), table).rejects.toMatchObject({
      code: "42P17",
      message: 'infinite recursion detected in policy for relation "organization_users"',
    });
  }

  const ours = await smallDialler("recursion, Tenantry");
  await applyStage(ours.session, oneOrganization);
  expect(await seenBy(ours.session, ann, "leads")).toBe(40);
  expect(await seenBy(ours.session, ann, "organizations")).toBe(1);
  expect(await seenBy(ours.session, ann, "organization_users")).toBe(4);
});

test("every user who is there already goes on seeing their rows", async () => {
  const theirs = await smallDialler("existing users, the plan");
  await runPlan(
    theirs.session,
    hour1WithoutRecursion,
    addColumn("leads"),
    createDefaultOrganization,
    backfill("leads"),
    enableRowSecurity("leads"),
  );
  for (const user of [ann, cid]) expect(await seenBy(theirs.session, user, "leads")).toBe(0);

  const ours = await smallDialler("existing users, Tenantry");
  await applyStage(ours.session, oneOrganization);
  for (const user of [ann, cid]) expect(await seenBy(ours.session, user, "leads")).toBe(40);
});

test("a user who signs up before Day 3 ends sees what everybody sees, as before", async () => {
  const theirs = await smallDialler("sign-up, the plan");
  await runPlan(theirs.session, day1("leads"));
  await theirs.session.execute(signUp);
  expect(await seenBy(theirs.session, newUser, "leads")).toBe(0);

  const ours = await smallDialler("sign-up, Tenantry");
  await applyStage(ours.session, oneOrganization);
  await ours.session.execute(signUp);
  expect(await seenBy(ours.session, newUser, "leads")).toBe(40);
});

test("no extension is needed for keys, and none has to be on the search path", async () => {
  const theirs = await smallDialler("uuid, the plan");
  expect(await outcomeOf(runPlan(theirs.session, hour1))).toBe("42883");
  // Where Supabase has the extension: in a schema of its own, which not every session searches.
  await runPlan(
    theirs.session,
    "CREATE SCHEMA extensions",
    ";CREATE FUNCTION extensions.uuid_generate_v4() RETURNS uuid RETURN gen_random_uuid()",
  );
  expect(await outcomeOf(runPlan(theirs.session, hour1))).toBe("42883");

  const ours = await smallDialler("uuid, Tenantry");
  await applyStage(ours.session, oneOrganization);
  const made = sql`INSERT INTO organizations (name, slug) VALUES ('Beta Inc', 'beta')`;
  expect(await outcomeOf(ours.session.execute(made))).toBe("done");
});

test("a user of several organizations says which, and nothing is guessed", async () => {
  const { session } = await smallDialler("several organizations");
  await applyStage(session, twoOrganizations);
  await session.execute(sql`
    INSERT INTO organization_users (organization_id, user_id)
    SELECT id, ${cid} FROM organizations WHERE slug = 'alpha'
  `);
  expect(await outcomeOf(insertLead(session, cid))).toBe("42501");
  const said = sql`
    INSERT INTO public.leads (user_id, phone, organization_id)
    SELECT ${cid}, 'new', id FROM organizations WHERE slug = 'alpha'
  `;
  expect(await request(session, cid, (queries) => queries.execute(said))).toBe(1);
  expect(await seenBy(session, ann, "leads")).toBe(21);
});

test("a membership belongs to a user and to an organization", async () => {
  const ofNobody = sql`INSERT INTO organization_users (role) VALUES ('owner')`;
  const theirs = await smallDialler("nobody's membership, the plan");
  await runPlan(theirs.session, hour1WithCoreUuids);
  expect(await outcomeOf(theirs.session.execute(ofNobody))).toBe("done");

  const ours = await smallDialler("nobody's membership, Tenantry");
  await applyStage(ours.session, oneOrganization);
  expect(await outcomeOf(ours.session.execute(ofNobody))).toBe("23502");
});

test("no user empties the organizations or gives their own a better tier", async () => {
  const upgrade = sql`UPDATE organizations SET subscription_tier = 'enterprise'`;
  const empty = sql`TRUNCATE organization_users`;
  const rename = sql`UPDATE organizations SET name = 'Ann and Sons'`;

  const theirs = await smallDialler("grants, the plan");
  await runPlan(theirs.session, day1("leads"));
  await theirs.session.execute(
    sql`UPDATE organization_users SET role = 'owner' WHERE user_id = ${ann}`,
  );
  expect(await request(theirs.session, ann, (queries) => queries.execute(upgrade))).toBe(1);
  // Supabase's default privileges hold for new tables too, and row-level security knows no TRUNCATE.
  await request(theirs.session, dee, (queries) => queries.execute(empty));
  expect(await seenBy(theirs.session, ann, "leads")).toBe(0);

  const ours = await smallDialler("grants, Tenantry");
  await applyStage(ours.session, oneOrganization);
  const tryAs = (user: string, statement: typeof upgrade) =>
    outcomeOf(request(ours.session, user, (queries) => queries.execute(statement)));
  expect(await tryAs(ann, upgrade)).toBe("42501");
  expect(await tryAs(dee, empty)).toBe("42501");
  expect(await request(ours.session, ann, (queries) => queries.execute(rename))).toBe(1);
  expect(await seenBy(ours.session, ann, "leads")).toBe(40);
});

test("no index is there twice", async () => {
  const twice = sql`
    SELECT a.indexrelid::regclass::text AS name
      FROM pg_index a
      JOIN pg_index b ON b.indrelid = a.indrelid AND b.indexrelid <> a.indexrelid
     WHERE a.indrelid IN ('organizations'::regclass, 'organization_users'::regclass)
       AND NOT a.indisunique
       AND (b.indkey::text || ' ') LIKE (a.indkey::text || ' %')
     ORDER BY 1
  `;
  const nameSchema = z.object({ name: z.string() });
  const theirs = await smallDialler("indexes, the plan");
  await runPlan(theirs.session, hour1WithCoreUuids);
  expect(await theirs.session.rows(twice, nameSchema)).toEqual([
    { name: "idx_org_users_org_id" },
    { name: "idx_organizations_slug" },
  ]);

  const ours = await smallDialler("indexes, Tenantry");
  await applyStage(ours.session, oneOrganization);
  expect(await ours.session.rows(twice, nameSchema)).toEqual([]);
});

test("the old application goes on inserting between Day 1 and Day 3", async () => {
  const theirs = await smallDialler("old inserts, the plan");
  await runPlan(theirs.session, day1("leads"));
  expect(await outcomeOf(insertLead(theirs.session, ann))).toBe("42501");
  expect(await outcomeOf(insertLead(theirs.session, "service_role", ann))).toBe("23502");

  const ours = await smallDialler("old inserts, Tenantry");
  await applyStage(ours.session, oneOrganization);
  expect(await insertLead(ours.session, ann)).toBe(1);
  expect(await insertLead(ours.session, "service_role", ann)).toBe(1);
  expect(await seenBy(ours.session, cid, "leads")).toBe(42);

  await applyStage(ours.session, oneOrganization, "day3");
  expect(await insertLead(ours.session, ann)).toBe(1);
  expect(await outcomeOf(insertLead(ours.session, "service_role", ann))).toBe("23502");
});

test("the default organization has the same id in staging and in production", async () => {
  const ids = new Set<string>();
  for (const place of ["staging", "production"]) {
    const { session } = await smallDialler(`ids in ${place}`);
    await applyStage(session, oneOrganization);
    const rows = await session.rows(
      sql`SELECT id FROM organizations WHERE slug = 'default-org'`,
      z.object({ id: z.string() }),
    );
    for (const { id } of rows) ids.add(id);
  }
  expect(ids.size).toBe(1);
});
