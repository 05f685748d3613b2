import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { hardenedKeys, makeKeyedCompany, orphan, schemaOf } from "./keyed-company.ts";

const long = { timeout: 600_000 };

async function databaseAfter(name: string, ...stages: readonly string[]) {
  const { session, url } = await createDatabase(name);
  await makeKeyedCompany(session);
  const project = await makeProject(url, hardenedKeys);
  for (const stage of stages) {
    const done = await project.tenantry("run", "--yes", "--stage", stage);
    expect(done.code, done.stderr).toBe(0);
  }
  return { session, url, project };
}

async function isValid(session: Session, constraint: string): Promise<unknown> {
  const [row] = await session.rows(
    sql`SELECT convalidated AS valid FROM pg_constraint WHERE conname = ${constraint}`,
    z.object({ valid: z.boolean() }),
  );
  return row?.valid;
}

test(
  "rows that refer to no row stop Day 3 by their primary keys, and it is undone exactly",
  long,
  async () => {
    const { session, url, project } = await databaseAfter("orphans yes", "day1", "day2");
    await orphan(session, "DELETE FROM leads WHERE id IN (7, 9, 12)");
    const before = await schemaOf(url);
    const failed = await project.tenantry("run", "--yes", "--stage", "day3");
    expect(failed).toMatchObject({ code: 3 });
    expect(failed.stderr).toContain("day3 was rolled back; the schema is as it was before it");
    expect(failed.stderr).toContain("3 of 200 calls refer to a missing row of leads (id 7, 9, 12)");
    expect(await schemaOf(url)).toBe(before);
    expect(await project.tenantry("rollback", "--all", "--yes")).toMatchObject({ code: 0 });
  },
);

test(
  "rows that refer to no row since Day 3 do not stop its rollback, which names them and says that it is not exact",
  long,
  async () => {
    const { session, project } = await databaseAfter("orphans since", "day1", "day2");
    const { fingerprint } = await readSnapshot(session);
    expect(await project.tenantry("run", "--yes")).toMatchObject({ code: 0 });
    await orphan(session, "DELETE FROM leads WHERE id IN (7, 9, 12)");
    const back = await project.tenantry("rollback", "--yes");
    expect(back).toMatchObject({ code: 3, stderr: expect.stringContaining("FINGERPRINT_DIFFERS") });
    expect(back.stderr).toContain("the constraint stays NOT VALID, because rows violate it");
    // Read without the terminal's line breaks.
    const said = back.stderr.replaceAll(/\s+/g, " ");
    expect(said).toContain(
      "3 of 200 calls refer to a missing row of leads (id 7, 9, 12): SELECT * FROM",
    );
    expect(await isValid(session, "calls_lead_id_fkey")).toBe(false);
    // What no row violates is validated again, and what is NOT VALID holds for new rows.
    expect(await isValid(session, "tags_note_id_fkey")).toBe(true);
    await expect(
      session.execute(raw("INSERT INTO calls (lead_id) VALUES (7)")),
    ).rejects.toMatchObject({ code: "23503" });

    await session.execute(raw("DELETE FROM calls WHERE lead_id IN (7, 9, 12)"));
    await session.execute(raw("UPDATE notes SET lead_id = NULL WHERE lead_id IN (7, 9, 12)"));
    for (const [, statement] of said.matchAll(
      /then: (ALTER TABLE \S+ VALIDATE CONSTRAINT .*?);/g,
    )) {
      await session.execute(raw(statement ?? ""));
    }
    expect((await readSnapshot(session)).fingerprint).toEqual(fingerprint);
  },
);

test(
  "rollback.sql goes on where rows violate what it validates again, and warns of it",
  long,
  async () => {
    const { session, url, project } = await databaseAfter("orphans psql", "day1", "day2", "day3");
    await orphan(session, "DELETE FROM leads WHERE id IN (7, 9, 12)");
    const { stdout } = await project.tenantry("rollback", "--print-sql");
    const psql = await execa("psql", [url, "--quiet", "--file", "-"], {
      input: stdout,
      reject: false,
    });
    expect(psql.exitCode, psql.stderr).toBe(0);
    expect(psql.stderr).toMatch(
      /WARNING: {2}the constraint stays NOT VALID.*\n.*HINT: {2}Fix the rows, then: ALTER TABLE "public"\."calls"/,
    );
    expect(await isValid(session, "calls_lead_id_fkey")).toBe(false);
    // What is not as it was is not as it was before Day 1 either.
    expect(await project.tenantry("rollback", "--all", "--yes")).toMatchObject({ code: 3 });
  },
);

const table = 'ALTER TABLE "public"."calls"';
const other = '"calls_lead_id_fkey_per_organization"';
const exact = (...statements: readonly string[]) => ({
  kind: "exact",
  sql: statements.map((text) => ({ parts: [text], values: [] })),
});
const validated = exact(`${table}\n  VALIDATE CONSTRAINT "calls_lead_id_fkey"`);
const oldKey = `${table}\n  DROP CONSTRAINT IF EXISTS "calls_lead_id_fkey",\n  ADD CONSTRAINT "calls_lead_id_fkey"\n    FOREIGN KEY ("lead_id")\n    REFERENCES "public"."leads" ("id")\n    NOT VALID`;
const where = (condition: string, statement: string) =>
  `DO $function$\nBEGIN\n  IF ${condition} THEN\n    ${statement};\n  END IF;\nEND\n$function$`;
const thereIs = (name: string) =>
  `EXISTS (SELECT FROM pg_constraint WHERE conrelid = to_regclass('"public"."calls"') AND conname = '${name}')`;

/** The inverses that older versions have journaled, by the steps of today in whose turn they are executed. */
const journaled = {
  "which replaced the key and then validated it": {
    "validate-foreign-key": { kind: "covered", by: "day3/calls/calls_lead_id_fkey/foreign-key" },
    "foreign-key": exact(oldKey),
    "foreign-key-triggers": { kind: "covered", by: "day3/calls/calls_lead_id_fkey/foreign-key" },
    "same-organization": validated,
  },
  "which validated a second key and then swapped names": {
    "validate-foreign-key": exact(
      where(
        `${thereIs("calls_lead_id_fkey")} AND NOT ${thereIs("calls_lead_id_fkey_per_organization")}`,
        `${table}\n      RENAME CONSTRAINT "calls_lead_id_fkey" TO ${other}`,
      ),
      oldKey,
    ),
    "foreign-key": validated,
    "foreign-key-triggers": exact(
      where(
        thereIs("calls_lead_id_fkey_per_organization"),
        `${table}\n      DROP CONSTRAINT ${other}`,
      ),
    ),
    "same-organization": {
      kind: "covered",
      by: "day3/calls/calls_lead_id_fkey/foreign-key-triggers",
    },
  },
};

async function journal(session: Session, inverses: Readonly<Record<string, object>>) {
  for (const [step, down] of Object.entries(inverses)) {
    await session.execute(sql`
      UPDATE tenantry.step
         SET definition = jsonb_set(definition, '{down}', ${JSON.stringify(down)}::jsonb)
       WHERE id = ${`day3/calls/calls_lead_id_fkey/${step}`}
    `);
  }
}

describe.for(Object.entries(journaled))("an older version, %s", ([version, inverses]) => {
  test("its journaled stage rolls back exactly by the inverses that it stored", long, async () => {
    const { session, url, project } = await databaseAfter(`${version} exact`, "day1", "day2");
    const before = await schemaOf(url);
    expect(await project.tenantry("run", "--yes")).toMatchObject({ code: 0 });
    await journal(session, inverses);
    expect(await project.tenantry("rollback", "--yes")).toMatchObject({ code: 0 });
    expect(await schemaOf(url)).toBe(before);
  });

  test("rows that refer to no row leave its key NOT VALID", long, async () => {
    const { session, project } = await databaseAfter(`${version} orphans`, "day1", "day2", "day3");
    await journal(session, inverses);
    await orphan(session, "DELETE FROM leads WHERE id IN (7, 9, 12)");
    const back = await project.tenantry("rollback", "--yes");
    expect(back).toMatchObject({ code: 3, stderr: expect.stringContaining("FINGERPRINT_DIFFERS") });
    expect(await isValid(session, "calls_lead_id_fkey")).toBe(false);
    // What is not as it was is not as it was before Day 1 either.
    expect(await project.tenantry("rollback", "--all", "--yes")).toMatchObject({ code: 3 });
  });
});

test(
  "a value that two organizations share does not stop a rollback despite the guards; it stays unique in each",
  long,
  async () => {
    const { session, project } = await databaseAfter("orphans shared", "day1", "day2", "day3");
    await session.execute(
      raw(`
    INSERT INTO leads (person_id, phone, organization_id)
    SELECT 1, 'shared', id FROM organizations
  `),
    );
    const refused = await project.tenantry("rollback", "--yes");
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("(shared)") });
    const back = await project.tenantry("rollback", "--yes", "--despite-guards");
    expect(back).toMatchObject({ code: 3, stderr: expect.stringContaining("FINGERPRINT_DIFFERS") });
    expect(back.stderr).toContain("the index is not unique for all organizations again");
    const { entries } = (await readSnapshot(session)).fingerprint;
    expect(entries.filter(({ definition }) => definition.includes("(invalid)"))).toEqual([]);
    // What is not as it was is not as it was before Day 1 either.
    expect(await project.tenantry("rollback", "--all", "--yes")).toMatchObject({ code: 3 });
  },
);
