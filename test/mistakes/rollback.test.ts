import { expect, test } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { sql } from "../../src/postgres/sql.ts";
import { makeProject } from "../setup/project.ts";
import {
  ann,
  cid,
  insertLead,
  outcomeOf,
  seenBy,
  smallDialler,
  twoOrganizations,
} from "./small-dialler.ts";
import { day1, disableRowSecurity, dropColumn, dropOrganizations, runPlan } from "./the-plan.ts";

test("the plan's rollback stops half way, with every row open to everybody", async () => {
  const { session } = await smallDialler("rollback, the plan");
  await runPlan(session, day1("leads", "campaigns"));
  await session.execute(sql`DELETE FROM organization_users WHERE user_id = ${cid}`);
  expect(await seenBy(session, cid, "leads")).toBe(0);

  await runPlan(session, disableRowSecurity("leads"), disableRowSecurity("campaigns"));
  await expect(runPlan(session, dropColumn("leads"))).rejects.toMatchObject({
    code: "2BP01",
    message: "cannot drop column organization_id of table leads because other objects depend on it",
  });
  await expect(runPlan(session, dropOrganizations)).rejects.toMatchObject({ code: "2BP01" });

  expect(await seenBy(session, cid, "leads")).toBe(40);
  // NOT NULL stays too: what the application was rolled back to can insert nothing.
  expect(await outcomeOf(insertLead(session, ann))).toBe("23502");
});

test("one command undoes Day 1: the schema is as it was, and rows written meanwhile are kept", async () => {
  const { session, url } = await smallDialler("rollback, Tenantry");
  const before = (await readSnapshot(session)).fingerprint.digest;
  const project = await makeProject(url, twoOrganizations);
  expect(await project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({ code: 0 });
  await insertLead(session, ann);
  expect(await project.tenantry("rollback", "--yes")).toMatchObject({ code: 0 });
  expect((await readSnapshot(session)).fingerprint.digest).toBe(before);
  expect(await seenBy(session, cid, "leads")).toBe(41);
  const left = sql`SELECT to_regclass('organizations') IS NULL AS gone`;
  expect(await session.rows(left, z.object({ gone: z.boolean() }))).toEqual([{ gone: true }]);
});
