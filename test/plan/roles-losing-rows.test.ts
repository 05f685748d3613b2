import { expect, onTestFinished, test } from "vitest";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { parseSettings } from "../../src/config/load.ts";
import { planStages } from "../../src/plan/plan.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import { stages } from "../../stages/index.ts";
import { makeDatabase } from "../setup/database.ts";
import { companyConfig, companyTables } from "./company.ts";

test("a role for reports that the fences will leave without rows is noted, and no other", async () => {
  const database = await makeDatabase("roles losing rows");
  onTestFinished(() => database.drop());
  const { session } = database;
  for (const statement of companyTables) await session.execute(statement);
  const notices = async () =>
    planStages(parseSettings(companyConfig, "the test"), await readSnapshot(session), stages, {
      origin: "the test",
    }).notices.filter((notice) => notice.includes("will see no row"));
  // The role of requests, and one that reads a table which is no tenant's.
  await session.execute(sql`GRANT ALL ON projects TO pg_monitor`);
  await session.execute(sql`GRANT SELECT ON countries TO pg_signal_backend`);
  expect(await notices()).toEqual([]);
  await session.execute(sql`GRANT SELECT ON projects, tasks TO pg_signal_backend`);
  expect(await notices()).toEqual([
    expect.stringMatching(/^pg_signal_backend will see no row of projects, tasks .*BYPASSRLS/),
  ]);
});

test("a role that requests run as, log in as or can become is never told to bypass row-level security", async () => {
  const database = await makeDatabase("roles of requests losing rows");
  onTestFinished(() => database.drop());
  const { session } = database;
  for (const statement of companyTables) await session.execute(statement);
  // The login of the application, which is a member of the role of requests, and what it can become.
  for (const role of ["anon", "authenticated", "losing_reports", "losing_login", "losing_group"]) {
    await session.execute(sql`
      DO $$
      BEGIN
        CREATE ROLE ${ident(role)};
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
      END $$`);
    await session.execute(sql`GRANT SELECT ON projects TO ${ident(role)}`);
  }
  await session.execute(sql`GRANT pg_monitor, losing_group TO losing_login`);
  const settings = parseSettings(
    { ...companyConfig, roles: { signedIn: "pg_monitor", anonymous: null } },
    "the test",
  );
  const { notices } = planStages(settings, await readSnapshot(session), stages, {
    origin: "the test",
  });
  const of = (role: string) => notices.find((notice) => notice.startsWith(`${role} will see`));
  for (const role of ["anon", "authenticated", "losing_login", "losing_group"]) {
    expect(of(role)).toContain("so row-level security must apply to it");
    expect(of(role)).not.toContain("BYPASSRLS");
  }
  expect(of("losing_reports")).toContain("BYPASSRLS");
});
