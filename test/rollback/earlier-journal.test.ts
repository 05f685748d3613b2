import { expect, test } from "vitest";
import type { Config } from "../../src/config/schema.ts";
import { raw } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const hardened: Config = { ...smallCompany, hardening: { foreignKeys: ["all"] } };

test("a rollback from a journal of an earlier version, which does not list what its steps make, is refused for the same foreign keys", {
  timeout: 600_000,
}, async () => {
  const { session, url } = await createDatabase("earlier journal");
  await makeSmallCompany(session, 200);
  const project = await makeProject(url, hardened);
  const done = await project.tenantry("run", "--yes");
  expect(done.code, done.stderr).toBe(0);
  await session.execute(
    raw(`CREATE TABLE invoices (
           organization_id uuid,
           lead_id bigint,
           FOREIGN KEY (organization_id, lead_id) REFERENCES leads (organization_id, id)
         )`),
  );
  const edited = await session.execute(
    raw("UPDATE tenantry.step SET definition = definition - 'makes' WHERE definition ? 'makes'"),
  );
  expect(edited).toBeGreaterThan(0);
  const refused = await project.tenantry("rollback", "--yes", "--stage", "day3");
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain(
    "constraint invoices_organization_id_lead_id_fkey on table invoices depends on index",
  );
  expect(refused.stderr).not.toContain("calls_lead_id_fkey");
  await session.execute(raw("DROP TABLE invoices"));
  expect(await project.tenantry("rollback", "--yes", "--stage", "day3")).toMatchObject({ code: 0 });
});
