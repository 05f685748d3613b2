import { expect, test } from "vitest";
import { z } from "zod";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

test("a stage is verified on a clone: what is broken is found there, and no row of the database is locked", async () => {
  const { session, url } = await createDatabase("verified on a clone");
  await makeSmallCompany(session, 60);
  const project = await makeProject(url, smallCompany);
  await project.tenantry("run", "--yes", "--stage", "day1");
  // Every row is taken: a proof on the database itself would wait, and give up.
  await session.execute(sql`BEGIN`);
  await session.rows(sql`SELECT id FROM leads FOR UPDATE`, z.unknown());
  const verified = await project.tenantry("--stage", "day1", "--verify", "--on-clone");
  expect(verified.code, verified.stderr).toBe(0);
  expect(verified.stderr).toContain("clone: restoring into");
  await session.execute(sql`ROLLBACK`);

  await session.execute(sql`ALTER TABLE leads DISABLE ROW LEVEL SECURITY`);
  const open = await project.tenantry("--stage", "day1", "--verify", "--on-clone");
  expect(open).toMatchObject({ code: 3 });
  expect(open.stderr).toContain("row-level security of leads is on");
});
