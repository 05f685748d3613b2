import { execa } from "execa";
import { expect, test } from "vitest";
import { raw } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { hardenedKeys, makeKeyedCompany, orphan, schemaOf } from "./keyed-company.ts";

async function twoDays(name: string) {
  const { session, url } = await createDatabase(name);
  await makeKeyedCompany(session);
  const project = await makeProject(url, hardenedKeys);
  for (const stage of ["day1", "day2"]) {
    const done = await project.tenantry("run", "--yes", "--stage", stage);
    expect(done.code, done.stderr).toBe(0);
  }
  return { session, url, project };
}

test("rows that refer to no row stop Day 3 by their primary keys, and it is undone exactly", async () => {
  const { session, url, project } = await twoDays("orphans yes");
  await orphan(session, "DELETE FROM leads WHERE id IN (7, 9, 12)");
  const before = await schemaOf(url);
  const failed = await project.tenantry("run", "--yes", "--stage", "day3");
  expect(failed).toMatchObject({ code: 3 });
  console.log(failed.stderr);
  expect(failed.stderr).toContain("day3 was rolled back; the schema is as it was before it");
  expect(failed.stderr).toContain("(id 7, 9, 12)");
  expect(await schemaOf(url)).toBe(before);
  expect(await project.tenantry("rollback", "--all", "--yes")).toMatchObject({ code: 0 });
});
