import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, inject, test } from "vitest";
import { z } from "zod";
import { tryMutants } from "../../src/audit/mutants.ts";
import { exemptOpen } from "../../src/audit/rules/tables/exempt-open.ts";
import { profileOpen } from "../../src/audit/rules/tables/profile-open.ts";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import type { Config } from "../../src/config/schema.ts";
import { auditLayer, driftLayer, proofLayer } from "../../src/mutation/layers.ts";
import { profiles } from "../../src/mutation/mutants/profiles.ts";
import { smallCompanies } from "../../src/mutation/small-company.ts";
import { withFencedCompany } from "../../src/operations/copy/fenced-company.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, personIsOpen, smallCompany } from "../setup/small-company.ts";

const hardened: Config = {
  ...smallCompany,
  hardening: { foreignKeys: ["all"], uniqueConstraints: ["all"], sequences: ["all"] },
};
const { audit: _, exemptTables: __, ...others } = hardened;
const profiled: Config = { ...others, profiles: { person: { user: "id" } } };

/** What a signed-in user reads of persons, and the rows that statements change. */
async function asUser(session: Session, user: number | null, statement: string): Promise<number[]> {
  await session.execute(raw("BEGIN"));
  await session.execute(raw(`SET LOCAL app.user_id = '${user ?? ""}'`));
  await session.execute(raw("SET LOCAL ROLE small_company_app"));
  const rows = await session.rows(raw(statement), z.object({ id: z.coerce.number() }));
  await session.execute(raw("ROLLBACK"));
  return rows.map(({ id }) => id).sort();
}

async function fingerprintOf(session: Session): Promise<string> {
  return (await readSnapshot(session)).fingerprint.digest;
}

test("users read their own row and their colleagues', and change their own only", async () => {
  const { session, url } = await createDatabase("profiles");
  await makeSmallCompany(session, 100);
  const before = await fingerprintOf(session);
  const project = await makeProject(url, profiled);
  const run = await project.tenantry("run", "--yes");
  expect(run, run.stderr).toMatchObject({ code: 0 });

  const all = "SELECT id FROM person";
  expect(await asUser(session, 1, all)).toEqual([1, 2, 3]);
  expect(await asUser(session, 8, all)).toEqual([4, 5, 6, 7, 8]);
  expect(await asUser(session, null, all)).toEqual([]);
  expect(await asUser(session, 99, all)).toEqual([]);
  const change = "UPDATE person SET email = 'mine' RETURNING id";
  expect(await asUser(session, 2, change)).toEqual([2]);
  expect(await asUser(session, 2, "DELETE FROM person WHERE id = 3 RETURNING id")).toEqual([]);
  await expect(
    asUser(session, 2, "INSERT INTO person VALUES (77, 'another') RETURNING id"),
  ).rejects.toThrow(/row-level security/);
  await session.execute(raw("ROLLBACK"));
  // Removed from their organization, they read their own row only.
  await session.execute(sql`DELETE FROM organization_users WHERE user_id = 2`);
  expect(await asUser(session, 2, all)).toEqual([2]);

  const verified = await project.tenantry("verify");
  expect(verified, verified.stdout).toMatchObject({ code: 0 });
  await session.execute(
    raw(`DROP POLICY "Only their own person (UPDATE)" ON person;
         CREATE POLICY lax ON person FOR UPDATE USING (true) WITH CHECK (true)`),
  );
  const broken = await project.tenantry("verify", "--fix-sql", "fix.sql");
  expect(broken.code).toBe(3);
  expect(broken.stdout).toMatch(/others' rows of person/);
  // The script does what it says: the lax policy is narrowed again.
  await session.execute(raw(await readFile(path.join(project.folder, "fix.sql"), "utf8")));
  const fixed = await project.tenantry("verify");
  expect(fixed, fixed.stdout).toMatchObject({ code: 0 });
  await session.execute(raw("DROP POLICY lax ON person"));
  const undone = await project.tenantry("rollback", "--all", "--yes");
  expect(undone, undone.stderr).toMatchObject({ code: 0 });
  expect(await fingerprintOf(session)).toBe(before);
});

test("an exempt table that requests reach fails verify, until it is accepted or fenced", async () => {
  const { session, url } = await createDatabase("exempt");
  await makeSmallCompany(session, 100);
  const project = await makeProject(url, hardened);
  expect(await project.tenantry("run", "--yes")).toMatchObject({ code: 0 });
  expect(await project.tenantry("verify")).toMatchObject({ code: 0 });

  await project.configure({ ...hardened, audit: { accepted: [] } });
  const open = await project.tenantry("verify");
  expect(open.code).toBe(3);
  expect(open.stdout).toMatch(/public\.person.*read and write every row of it/s);
  await project.configure({
    ...hardened,
    audit: { accepted: [{ ...personIsOpen, until: "2020-12-31" }] },
  });
  expect(await project.tenantry("verify")).toMatchObject({ code: 3 });

  const before = await fingerprintOf(session);
  await project.configure(profiled);
  const named = await project.tenantry("verify");
  expect(named.code).toBe(3);
  expect(named.stdout).toContain("no applied stage has fenced it; tenantry fence person");
  expect(await project.tenantry("fence", "person", "--yes")).toMatchObject({ code: 0 });
  const verified = await project.tenantry("verify");
  expect(verified, verified.stdout).toMatchObject({ code: 0 });
  expect(await project.tenantry("rollback", "--yes")).toMatchObject({ code: 0 });
  expect(await fingerprintOf(session)).toBe(before);

  // What requests cannot reach is fine as it is.
  await project.configure({ ...hardened, audit: { accepted: [] } });
  await session.execute(raw("REVOKE ALL ON person FROM small_company_app"));
  const closed = await project.tenantry("verify");
  expect(closed.stdout).not.toMatch(/exempt-open|is exempt/);
});

const ofProfiles = [...profileOpen.mutants, ...profiles];

test.for(smallCompanies)(
  "each way to open a table of users, or an exempt one, is noticed ($kind)",
  { timeout: 300_000 },
  async (company) => {
    const server = { url: inject("databaseUrl") };
    const { whole, results } = await withFencedCompany(
      server,
      company,
      ({ session, settings, fence, run, left }) =>
        tryMutants(session, fence, {
          mutants: [...ofProfiles, ...exemptOpen.mutants],
          layers: [auditLayer, proofLayer(settings, run), driftLayer(settings, left)],
        }),
    );
    expect(whole).toMatchObject({ audit: [], proof: [], drift: [] });
    const unnoticed = results.filter(
      ({ caught }) => (caught.audit ?? []).length + (caught.proof ?? []).length === 0,
    );
    expect(unnoticed.map(({ mutant }) => mutant.name)).toEqual([]);
    const byProof = results.filter(({ caught }) => (caught.proof ?? []).length > 0);
    expect(byProof.map(({ mutant }) => mutant.name)).toEqual(
      expect.arrayContaining(ofProfiles.map(({ name }) => name)),
    );
  },
);
