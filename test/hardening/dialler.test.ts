import { expect, test } from "vitest";
import { z } from "zod";
import { audit } from "../../src/audit/audit.ts";
import { auditContext } from "../../src/audit/context.ts";
import { rules } from "../../src/audit/rules/index.ts";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { parseSettings } from "../../src/config/load.ts";
import { demoConfig } from "../../src/demo/config.ts";
import { makeDialler } from "../../src/demo/dialler.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { daysOn } from "../three-days/in-process.ts";
import { allHardened } from "./hardened-company.ts";

test("the dialler, hardened in all: its policies, defaults and keys are fixed, and it goes back", {
  timeout: 200_000,
}, async () => {
  const { session, url } = await createDatabase("fixed dialler");
  await makeDialler(session, { rows: 2000 });
  for (const statement of [
    sql`CREATE VIEW public.pipeline AS SELECT c.id, c.name, (SELECT count(*) FROM public.leads l WHERE l.user_id = c.user_id) AS leads FROM public.campaigns c`,
    sql`CREATE FUNCTION public.count_leads() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM leads'`,
    sql`REVOKE EXECUTE ON FUNCTION public.count_leads() FROM PUBLIC, anon, authenticated`,
  ]) {
    await session.execute(statement);
  }
  const days = await daysOn(url, { ...demoConfig, hardening: allHardened.hardening });
  await days.run("day1");
  await days.run("day2");
  const { fingerprint } = await readSnapshot(session);
  await days.run("day3");
  const settings = parseSettings(demoConfig, "the test");
  const context = auditContext(settings, await readSnapshot(session));
  const findings = await session.transaction((queries) => audit(queries, context, rules));
  expect(findings).toEqual([]);
  const open = await session.rows(
    sql`SELECT policyname FROM pg_policies WHERE permissive = 'PERMISSIVE' AND qual = 'true'`,
    z.unknown(),
  );
  expect(open).toEqual([]);
  await days.verify("day3");
  await days.rollBack("day3");
  expect((await readSnapshot(session)).fingerprint).toEqual(fingerprint);
});
