import { execa } from "execa";
import { expect, test } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { hardenedKeys, makeKeyedCompany, orphan, schemaOf } from "./keyed-company.ts";

const long = { timeout: 600_000 };

async function after(name: string, ...stages: readonly string[]) {
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
    const { session, url, project } = await after("orphans yes", "day1", "day2");
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
    const { session, project } = await after("orphans since", "day1", "day2");
    const { fingerprint } = await readSnapshot(session);
    expect(await project.tenantry("run", "--yes")).toMatchObject({ code: 0 });
    await orphan(session, "DELETE FROM leads WHERE id IN (7, 9, 12)");
    const back = await project.tenantry("rollback", "--yes");
    expect(back).toMatchObject({ code: 3, stderr: expect.stringContaining("FINGERPRINT_DIFFERS") });
    expect(back.stderr).toContain("the constraint stays NOT VALID, since rows violate it");
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
    const { session, url, project } = await after("orphans psql", "day1", "day2", "day3");
    await orphan(session, "DELETE FROM leads WHERE id IN (7, 9, 12)");
    const { stdout } = await project.tenantry("rollback", "--print-sql");
    const psql = await execa("psql", [url, "--quiet", "--file", "-"], {
      input: stdout,
      reject: false,
    });
    expect(psql.exitCode, psql.stderr).toBe(0);
    expect(psql.stderr).toMatch(
      /WARNING: {2}the constraint stays NOT VALID.*\n.*HINT: {2}Correct the rows, then: ALTER TABLE "public"\."calls"/,
    );
    expect(await isValid(session, "calls_lead_id_fkey")).toBe(false);
    // What is not as it was is not as it was before Day 1 either.
    expect(await project.tenantry("rollback", "--all", "--yes")).toMatchObject({ code: 3 });
  },
);

test(
  "a stage that an older version has journaled rolls back by the inverses that it stored",
  long,
  async () => {
    const { session, project } = await after("orphans journaled", "day1", "day2", "day3");
    const down = (kind: object) => JSON.stringify({ kind: "exact", ...kind });
    const statement = (text: string) => ({ sql: [{ parts: [text], values: [] }] });
    const table = 'ALTER TABLE "public"."calls"';
    const key = "day3/calls/calls_lead_id_fkey";
    const older = {
      "same-organization": down(statement(`${table}\n  VALIDATE CONSTRAINT "calls_lead_id_fkey"`)),
      "validate-foreign-key": down({ kind: "covered", by: `${key}/foreign-key` }),
      "foreign-key": down(
        statement(
          `${table}\n  DROP CONSTRAINT IF EXISTS "calls_lead_id_fkey",\n  ADD CONSTRAINT "calls_lead_id_fkey"\n    FOREIGN KEY ("lead_id")\n    REFERENCES "public"."leads" ("id")\n    NOT VALID`,
        ),
      ),
    };
    for (const [step, text] of Object.entries(older)) {
      await session.execute(sql`
      UPDATE tenantry.step
         SET definition = jsonb_set(definition, '{down}', ${text}::jsonb)
       WHERE id = ${`${key}/${step}`}
    `);
    }
    await session.execute(
      sql`UPDATE tenantry.step SET state = 'undone' WHERE id = ${`${key}/new-foreign-key`}`,
    );
    await orphan(session, "DELETE FROM leads WHERE id IN (7, 9, 12)");
    const back = await project.tenantry("rollback", "--yes");
    expect(back).toMatchObject({ code: 3, stderr: expect.stringContaining("FINGERPRINT_DIFFERS") });
    expect(await isValid(session, "calls_lead_id_fkey")).toBe(false);
    // What is not as it was is not as it was before Day 1 either.
    expect(await project.tenantry("rollback", "--all", "--yes")).toMatchObject({ code: 3 });
  },
);

test(
  "a value that two organizations share does not stop a rollback despite the guards; it stays unique in each",
  long,
  async () => {
    const { session, project } = await after("orphans shared", "day1", "day2", "day3");
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
    expect(back.stderr).toContain("it stays unique in each organization only");
    const { entries } = (await readSnapshot(session)).fingerprint;
    expect(entries.filter(({ definition }) => definition.includes("(invalid)"))).toEqual([]);
    // What is not as it was is not as it was before Day 1 either.
    expect(await project.tenantry("rollback", "--all", "--yes")).toMatchObject({ code: 3 });
  },
);
