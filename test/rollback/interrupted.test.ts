import { expect, test, vi } from "vitest";
import { z } from "zod";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

async function untilRollingBack(session: Session): Promise<void> {
  const turned = sql`SELECT stage FROM tenantry.run WHERE state = 'rolling back'`;
  await vi.waitFor(
    async () => expect(await session.rows(turned, z.object({ stage: z.string() }))).toHaveLength(1),
    { timeout: 20_000, interval: 20 },
  );
}

test("Ctrl-C in a rollback exits with 130, and rollback goes on", async () => {
  const { session, url } = await createDatabase("rollback interrupted");
  await makeSmallCompany(session);
  const project = await makeProject(url, smallCompany);
  await project.tenantry("run", "--yes", "--stage", "day1");
  const report = await openSession({ url }, "nightly report");
  await report.execute(sql`BEGIN`);
  await report.execute(sql`LOCK TABLE calls IN ACCESS SHARE MODE`);
  const started = project.start("rollback", "--yes");
  await untilRollingBack(session);
  started.kill("SIGINT");
  const outcome = await started.ended;
  expect(outcome).toMatchObject({ code: 130 });
  expect(outcome.stderr).toContain("run tenantry rollback again to continue");
  expect(outcome.stderr).not.toContain("    at ");
  await report.execute(sql`ROLLBACK`);
  await report.close();
  expect(await project.tenantry("rollback", "--yes")).toMatchObject({ code: 0 });
});

test("a stage that fails and cannot be undone says why it failed first, then where the rollback stopped", async () => {
  const { session, url } = await createDatabase("automatic rollback stops");
  await makeSmallCompany(session);
  const project = await makeProject(url, smallCompany);
  const statements = [
    sql`CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''% is frozen'', tg_tag; END'`,
    sql`CREATE EVENT TRIGGER no_policy ON ddl_command_start WHEN TAG IN ('CREATE POLICY') EXECUTE FUNCTION refuse()`,
    sql`CREATE EVENT TRIGGER no_function_goes ON ddl_command_start WHEN TAG IN ('DROP FUNCTION') EXECUTE FUNCTION refuse()`,
  ];
  for (const statement of statements) await session.execute(statement);
  const failed = await project.tenantry("run", "--yes", "--stage", "day1");
  expect(failed).toMatchObject({ code: 1 });
  expect(failed.stderr).toContain("CREATE POLICY is frozen");
  expect(failed.stderr).toContain("the rollback stopped at");
  expect(failed.stderr).toContain("DROP FUNCTION is frozen");
  expect(failed.stderr).toContain("then continue the rollback: tenantry rollback --stage day1");
  expect(failed.stderr).not.toContain("    at ");
});
