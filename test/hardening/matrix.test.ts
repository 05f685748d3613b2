import { describe, expect, test } from "vitest";
import { audit } from "../../src/audit/audit.ts";
import { auditContext } from "../../src/audit/context.ts";
import { rules } from "../../src/audit/rules/index.ts";
import { faultsOf } from "../../src/catalog/server/known-faults.ts";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { parseSettings } from "../../src/config/load.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { createDatabase } from "../setup/database.ts";
import { versions } from "../setup/majors.ts";
import { daysOn } from "../three-days/in-process.ts";
import { allHardened, makeHardenedCompany } from "./hardened-company.ts";

/** The rules of the audit that find something. */
async function found(session: Session): Promise<string[]> {
  const context = auditContext(parseSettings(allHardened, "the test"), await readSnapshot(session));
  const findings = await session.transaction((queries) => audit(queries, context, rules));
  return [...new Set(findings.map(({ id }) => id))].sort();
}

/** What no schema can close: the server's own faults. */
async function ofTheServer(session: Session): Promise<string[]> {
  const { server } = await readSnapshot(session);
  const past = faultsOf(server.version).some(({ pastPolicies }) => pastPolicies !== undefined);
  return past ? ["server-version"] : [];
}

describe.for(versions)("PostgreSQL $version", ({ version, major, start }) => {
  test("all that can be hardened is, the audit finds the rest only, and all of it goes back", {
    timeout: 200_000,
  }, async () => {
    const { session, url } = await createDatabase(`hardened ${version}`, (await start()).url);
    await makeHardenedCompany(session);
    const days = await daysOn(url, allHardened);
    await days.run("day1");
    await days.run("day2");
    const { fingerprint } = await readSnapshot(session);
    expect(await found(session)).toEqual(
      expect.arrayContaining(["definer-view", "sequence-writable"]),
    );
    await days.run("day3");
    expect(await found(session)).toEqual([
      "definer-function",
      // Before 15 a view cannot ask as its reader, and everybody may make tables in public.
      ...(major < 15 ? ["definer-view"] : []),
      // The users are exempt, and open to requests: accepted by name.
      "exempt-open",
      // The company granted SELECT on the countries WITH GRANT OPTION; no stage changes that.
      "grant-option",
      ...(major < 15 ? ["schema-create"] : []),
      ...(await ofTheServer(session)),
    ]);
    if (major >= 15) await days.verify("day3");
    await days.rollBack("day3");
    expect((await readSnapshot(session)).fingerprint).toEqual(fingerprint);
  });
});
