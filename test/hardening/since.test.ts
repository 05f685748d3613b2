import { expect, test } from "vitest";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import type { Config } from "../../src/config/schema.ts";
import { raw } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const hardened: Config = {
  ...smallCompany,
  hardening: { foreignKeys: ["all"], uniqueConstraints: ["all"] },
};

async function threeDays(name: string) {
  const { session, url } = await createDatabase(name);
  await makeSmallCompany(session, 200);
  await session.execute(raw('CREATE UNIQUE INDEX "a phone, once" ON leads (phone)'));
  const project = await makeProject(url, hardened);
  const done = await project.tenantry("run", "--yes");
  expect(done.code, done.stderr).toBe(0);
  return { session, project };
}

test("a foreign key that others have made onto Day 3's key is named before anything is undone", async () => {
  const { session, project } = await threeDays("onto the key");
  await session.execute(
    raw(`CREATE TABLE invoices (
           organization_id uuid,
           lead_id bigint,
           FOREIGN KEY (organization_id, lead_id) REFERENCES leads (organization_id, id)
         )`),
  );
  const before = (await readSnapshot(session)).fingerprint.digest;
  for (const which of [["--stage", "day3"], ["--all"]]) {
    const refused = await project.tenantry("rollback", "--yes", ...which);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain(
      "constraint invoices_organization_id_lead_id_fkey on table invoices depends on index",
    );
    expect(refused.stderr).not.toContain("calls_lead_id_fkey");
  }
  expect((await readSnapshot(session)).fingerprint.digest).toBe(before);
  await session.execute(raw("DROP TABLE invoices"));
  expect(await project.tenantry("rollback", "--yes", "--all")).toMatchObject({ code: 0 });
});

test("a column, a constraint and an index that somebody dropped since stop no rollback", async () => {
  const { session, project } = await threeDays("dropped of a table");
  await session.execute(raw("ALTER TABLE calls DROP COLUMN lead_id"));
  await session.execute(raw('DROP INDEX "a phone, once"'));
  const back = await project.tenantry("rollback", "--yes", "--all");
  expect(back.stderr).toContain("skipped, because an object was dropped since");
  expect(back).toMatchObject({ code: 3, stderr: expect.stringContaining("FINGERPRINT_DIFFERS") });
  const { entries } = (await readSnapshot(session)).fingerprint;
  expect(entries.filter(({ object }) => object.includes("organization"))).toEqual([]);
});
