import { expect, test } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import type { Config } from "../../src/config/schema.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const hardened: Config = {
  ...smallCompany,
  day2: { tables: { settings: "default", notes: { via: "lead_id", unattributed: "default" } } },
  hardening: { foreignKeys: ["all"], uniqueConstraints: ["all"] },
};

async function company(name: string, config: Config = hardened) {
  const database = await createDatabase(name);
  const { session } = database;
  await makeSmallCompany(session, 200);
  for (const statement of [
    "ALTER TABLE leads ADD CONSTRAINT leads_phone_key UNIQUE (phone) INCLUDE (person_id) DEFERRABLE",
    `CREATE TABLE notes (
       id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       lead_id bigint CONSTRAINT "of a lead" REFERENCES leads ON DELETE SET NULL ON UPDATE CASCADE,
       parent_id bigint REFERENCES notes ON DELETE CASCADE,
       label text
     )`,
    `CREATE UNIQUE INDEX "a label, once" ON notes (lower(label) COLLATE "C" DESC) WHERE label <> ''`,
    "GRANT ALL ON notes TO small_company_app",
    "INSERT INTO notes (lead_id, label) SELECT id, 'note ' || id FROM leads",
  ]) {
    await session.execute(raw(statement));
  }
  return { ...database, project: await makeProject(database.url, config) };
}

async function run(project: Project): Promise<void> {
  for (const stage of ["day1", "day2", "day3"]) {
    const done = await project.tenantry("run", "--yes", "--stage", stage);
    expect(done.code, done.stderr).toBe(0);
  }
}

async function definitions(session: Session): Promise<string[]> {
  const rows = await session.rows(
    sql`
      SELECT conname || ': ' || pg_get_constraintdef(oid) AS definition
        FROM pg_constraint
       WHERE conrelid IN ('calls'::regclass, 'notes'::regclass, 'leads'::regclass)
         AND contype IN ('f', 'u')
         AND confrelid NOT IN ('organizations'::regclass, 'person'::regclass)
       UNION ALL
      SELECT indexname || ': ' || indexdef
        FROM pg_indexes
       WHERE indexname = 'a label, once'
       ORDER BY 1
    `,
    z.object({ definition: z.string() }),
  );
  return rows.map(({ definition }) => definition);
}

test("foreign keys and unique constraints name the organization under their old names, and go back", async () => {
  const { session, project } = await company("hardened");
  const { fingerprint } = await readSnapshot(session);
  await run(project);
  expect(await definitions(session)).toMatchInlineSnapshot(`
    [
      "a label, once: CREATE UNIQUE INDEX "a label, once" ON public.notes USING btree (organization_id, lower(label) COLLATE "C" DESC) WHERE (label <> ''::text)",
      "calls_lead_id_fkey: FOREIGN KEY (organization_id, lead_id) REFERENCES leads(organization_id, id) DEFERRABLE",
      "leads_phone_key: UNIQUE (organization_id, phone) INCLUDE (person_id) DEFERRABLE",
      "notes_parent_id_fkey: FOREIGN KEY (organization_id, parent_id) REFERENCES notes(organization_id, id) ON DELETE CASCADE DEFERRABLE",
      "of a lead: FOREIGN KEY (organization_id, lead_id) REFERENCES leads(organization_id, id) ON UPDATE CASCADE ON DELETE SET NULL (lead_id) DEFERRABLE",
    ]
  `);
  const audit = await project.tenantry("audit", "--json");
  expect(audit.stdout).not.toMatch(/foreign-key-across|unique-across/);
  for (const stage of ["day1", "day2", "day3"]) {
    expect(await project.tenantry("--stage", stage, "--verify")).toMatchObject({ code: 0 });
  }
  const back = await project.tenantry("rollback", "--all", "--yes");
  expect(back, back.stderr).toMatchObject({ code: 0 });
  expect((await readSnapshot(session)).fingerprint).toEqual(fingerprint);
});

test("two organizations may have the same value; no row points across; a parent that goes leaves the organization", async () => {
  const { session, project } = await company("hardened rows");
  await run(project);
  const other = sql`(SELECT id FROM organizations WHERE slug = 'alpha')`;
  const ours = sql`(SELECT id FROM organizations WHERE slug <> 'alpha' LIMIT 1)`;
  const add = (organization: typeof other) =>
    session.execute(
      sql`INSERT INTO leads (person_id, phone, organization_id) VALUES (1, 'the same', ${organization})`,
    );
  await add(other);
  await add(ours);
  await expect(add(ours)).rejects.toMatchObject({ code: "23505" });
  const [lead] = await session.rows(
    sql`SELECT id::text AS id FROM leads WHERE phone = 'the same' AND organization_id = ${other}`,
    z.object({ id: z.string() }),
  );
  const note = (organization: typeof other) =>
    session.execute(
      sql`INSERT INTO notes (lead_id, label, organization_id) VALUES (${lead?.id ?? ""}::bigint, 'x', ${organization})`,
    );
  await expect(note(ours)).rejects.toMatchObject({ code: "23503" });
  await note(other);
  await session.execute(sql`DELETE FROM leads WHERE id = ${lead?.id ?? ""}::bigint`);
  const left = await session.rows(
    sql`SELECT lead_id, organization_id = ${other} AS ours FROM notes WHERE label = 'x'`,
    z.unknown(),
  );
  expect(left).toEqual([{ lead_id: null, ours: true }]);

  await add(other);
  const refused = await project.tenantry("rollback", "--yes");
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain("leads_phone_key would be unique for all organizations again");
  await session.execute(sql`DELETE FROM leads WHERE phone = 'the same'`);
  expect(await project.tenantry("rollback", "--yes")).toMatchObject({ code: 0 });
});

test("a row that points across organizations is named before anything is swapped, and the stage undoes itself", async () => {
  const { session, project } = await company("hardened across");
  await project.tenantry("run", "--yes", "--stage", "day1");
  await project.tenantry("run", "--yes", "--stage", "day2");
  const before = await definitions(session);
  await session.execute(sql`
    UPDATE notes
       SET organization_id = (SELECT id FROM organizations WHERE slug = 'alpha')
     WHERE id = 1
  `);
  const failed = await project.tenantry("run", "--yes", "--stage", "day3");
  expect(failed).toMatchObject({ code: 3 });
  expect(failed.stderr).toContain("id 1 of notes references a row of another organization");
  expect(await definitions(session)).toEqual(before);
});

test("what is named and does not span organizations is a fault; what nobody asked for is said", async () => {
  const { project } = await company("hardened faults", {
    ...hardened,
    hardening: { foreignKeys: ["notes.of a leed"], uniqueConstraints: ["leads.leads_phone_key"] },
  });
  const refused = await project.tenantry("plan");
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toContain("did you mean notes.of a lead?");
});

test("rollback.sql makes it unique for all again with psql alone, building the index beside the application", async () => {
  const { session, project, url } = await company("hardened psql");
  const { fingerprint } = await readSnapshot(session);
  await run(project);
  const { execa } = await import("execa");
  for (const stage of ["day3", "day2", "day1"]) {
    const { stdout } = await project.tenantry("rollback", "--stage", stage, "--print-sql");
    const psql = await execa("psql", [url, "--quiet", "--file", "-"], {
      input: stdout,
      reject: false,
    });
    expect(psql.stderr).toBe("");
    expect(psql.exitCode).toBe(0);
  }
  expect((await readSnapshot(session)).fingerprint).toEqual(fingerprint);
});
