import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import type { Config } from "../../src/config/schema.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { proxyTo } from "../setup/proxy.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

vi.setConfig({ testTimeout: 600_000 });

const hardened: Config = { ...smallCompany, hardening: { uniqueConstraints: ["all"] } };

async function fingerprint(session: Session): Promise<string> {
  return (await readSnapshot(session)).fingerprint.digest;
}

test("a build that the network held back never lands after another process has rolled back", async () => {
  const { session, url } = await createDatabase("held back");
  await makeSmallCompany(session, 200);
  await session.execute(raw('CREATE UNIQUE INDEX "a phone, once" ON leads (phone)'));
  const here = await makeProject(url, hardened);
  for (const stage of ["day1", "day2"]) {
    const done = await here.tenantry("run", "--yes", "--stage", stage);
    expect(done.code, done.stderr).toBe(0);
  }
  const before = await fingerprint(session);
  const proxy = await proxyTo(url);
  const away = await makeProject(proxy.url, hardened);
  const { held, letGo } = proxy.hold("CREATE UNIQUE INDEX CONCURRENTLY");
  const started = away.start("run", "--yes", "--stage", "day3");
  await held;
  // From now on, nothing else comes through either.
  proxy.refuse();
  proxy.stall();
  await session.execute(sql`UPDATE tenantry.lease SET expires_at = '-infinity'`);
  const back = await here.tenantry("rollback", "--yes", "--stage", "day3");
  expect(back.code, back.stderr).toBe(0);
  expect(await fingerprint(session)).toBe(before);
  letGo();
  proxy.reopen();
  const outcome = await started.ended;
  expect([outcome.stderr, outcome.code]).toEqual([expect.stringContaining("LEASE_LOST"), 4]);
  await sleep(500);
  expect(await fingerprint(session)).toBe(before);
  const others = sql`
    SELECT application_name AS name
      FROM pg_stat_activity
     WHERE datname = current_database()
       AND application_name LIKE 'tenantry%'
       AND application_name <> 'tenantry tests'
  `;
  expect(await session.rows(others, z.object({ name: z.string() }))).toEqual([]);
});
