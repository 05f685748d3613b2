import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";
import { parseSettings } from "../../src/config/load.ts";
import { openSession } from "../../src/postgres/connection.ts";
import { raw } from "../../src/postgres/sql.ts";
import { driftOfFence } from "../../src/verify/drift/drift.ts";
import { createDatabase } from "../setup/database.ts";
import { oldestAndNewest, ownServer, serverOf } from "../setup/majors.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const run = promisify(execFile);

test("a database that is restored on another server, of another major, has no drift", {
  timeout: 600_000,
}, async () => {
  // The roles are compared, too: no other test changes them on a server of its own.
  const own = await ownServer();
  const { session, url } = await createDatabase("drift of a restored database", own.url);
  await makeSmallCompany(session, 50);
  const project = await makeProject(url, smallCompany);
  const done = await project.tenantry("run", "--yes");
  expect(done, done.stderr).toMatchObject({ code: 0 });
  const { stdout: dump } = await run("pg_dump", ["--dbname", url], { maxBuffer: 1e9 });

  const newest = await serverOf(Math.max(...oldestAndNewest));
  const target = new URL(newest.url);
  target.pathname = "/moved";
  const keeper = await openSession({ url: newest.url }, "tenantry tests");
  await keeper.execute(raw("CREATE ROLE small_company_app NOLOGIN"));
  await keeper.execute(raw("CREATE DATABASE moved TEMPLATE template0"));
  await keeper.close();
  const restoring = run("psql", ["-qX", "--set", "ON_ERROR_STOP=1", "--dbname", target.href], {
    maxBuffer: 1e9,
  });
  restoring.child.stdin?.end(dump);
  await restoring;

  const moved = await openSession({ url: target.href }, "tenantry tests");
  const settings = parseSettings(smallCompany, "the small company");
  const drift = await driftOfFence(moved, settings);
  await moved.execute(raw("ALTER TABLE leads DISABLE TRIGGER ALL"));
  const broken = await driftOfFence(moved, settings);
  await moved.execute(raw("ALTER SYSTEM SET session_replication_role = replica"));
  await moved.execute(raw("SELECT pg_reload_conf()"));
  const ofServer = "settings of the server: session_replication_role none → replica";
  await vi.waitFor(
    async () => {
      const found = (await driftOfFence(moved, settings))?.findings ?? [];
      expect(found.map(({ object, fact }) => `${object}: ${fact}`)).toContain(ofServer);
    },
    { timeout: 30_000, interval: 500 },
  );
  await moved.close();
  expect(drift?.findings.map(({ object, fact }) => `${object}: ${fact}`)).toEqual([]);
  expect(drift?.unproven).toEqual([]);
  expect(broken?.findings.length).toBeGreaterThan(0);
});
