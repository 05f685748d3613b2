import { expect, test } from "vitest";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { expectDone } from "../three-days/three-days.ts";

test("a user who joined a second organization since Day 1 fails Day 2 on a small table, with what fixes it, and a check says so before", async () => {
  const { session, url } = await createDatabase("of two organizations");
  await makeSmallCompany(session, 20);
  await session.execute(sql`CREATE TABLE notes (id bigint PRIMARY KEY, person_id bigint NOT NULL)`);
  await session.execute(sql`INSERT INTO notes VALUES (1, 4)`);
  const online = { ...smallCompany.online, smallTableInBytes: 1_000_000 };
  const notes = (unattributed: "error" | "default") => ({
    ...smallCompany,
    online,
    day2: { tables: { ...smallCompany.day2.tables, notes: { user: "person_id", unattributed } } },
  });
  const project = await makeProject(url, notes("error"));
  expectDone(await project.tenantry("run", "--yes", "--stage", "day1"));
  await session.execute(sql`
    INSERT INTO organization_users (organization_id, user_id, role)
    SELECT id, 4, 'member' FROM organizations WHERE slug <> 'alpha'
  `);
  const checked = await project.tenantry("check", "--stage", "day2", "--json");
  const [shown] = checked.stdout.split("\n").map((line) => JSON.parse(line));
  expect(shown.findings).toContainEqual(
    expect.objectContaining({
      id: "unattributed-rows",
      severity: "blocking",
      object: "notes",
      fact: "has rows of users who are a member of no organization, or of several",
    }),
  );
  const failed = await project.tenantry("run", "--yes", "--stage", "day2");
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain("day2 was rolled back; the schema is as it was before it");
  expect(failed.stderr).toMatch(/next: .*no membership, or with several.*unattributed: "default"/);

  const fixed = await makeProject(url, notes("default"));
  expect(await fixed.tenantry("check", "--stage", "day2")).toMatchObject({ code: 0 });
  expectDone(await fixed.tenantry("run", "--yes", "--stage", "day2"));
});
