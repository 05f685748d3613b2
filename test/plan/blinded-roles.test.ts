import { expect, onTestFinished, test } from "vitest";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { parseSettings } from "../../src/config/load.ts";
import { planStages } from "../../src/plan/plan.ts";
import { sql } from "../../src/postgres/sql.ts";
import { stages } from "../../stages/index.ts";
import { makeDatabase } from "../setup/database.ts";
import { companyConfig, companyTables } from "./company.ts";

test("a role for reports that the fences will leave without rows is noted, and no other", async () => {
  const database = await makeDatabase("blinded roles");
  onTestFinished(() => database.drop());
  const { session } = database;
  for (const statement of companyTables) await session.execute(statement);
  const notices = async () =>
    planStages(
      parseSettings(companyConfig, "the test"),
      await readSnapshot(session),
      stages,
      "the test",
    ).notices.filter((notice) => notice.includes("will see no row"));
  // The role of requests, and one that reads a table which is no tenant's.
  await session.execute(sql`GRANT ALL ON projects TO pg_monitor`);
  await session.execute(sql`GRANT SELECT ON countries TO pg_read_all_stats`);
  expect(await notices()).toEqual([]);
  await session.execute(sql`GRANT SELECT ON projects, tasks TO pg_read_all_stats`);
  expect(await notices()).toEqual([
    expect.stringMatching(/^pg_read_all_stats will see no row of projects, tasks .*BYPASSRLS/),
  ]);
});
