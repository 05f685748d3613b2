import fc from "fast-check";
import { expect, test } from "vitest";
import { raw } from "../../src/postgres/sql.ts";
import { schemaOf } from "../hardening/keyed-company.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { type RandomSchema, randomSchema } from "./random-schema.ts";

/** TENANTRY_TEST_SCHEMAS=200 tries more; TENANTRY_TEST_SEED=… repeats what a failure printed. */
const runs = Number(process.env["TENANTRY_TEST_SCHEMAS"] ?? 2);
const seed = Number(process.env["TENANTRY_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

let made = 0;

/**
 * The schema as pg_dump prints it. The GRANTs of one object are sorted: PostgreSQL prints them in the
 * order in which they were made, and a role that had all of its privileges revoked comes last again.
 */
async function textOfSchema(url: string): Promise<string> {
  const text = await schemaOf(url);
  return text.replaceAll(/(?:^GRANT .*\n)+/gm, (grants) => grants.split("\n").sort().join("\n"));
}

async function comesBack({ statements, config }: RandomSchema): Promise<void> {
  made += 1;
  const { session, url, drop } = await createDatabase(`any schema ${made}`);
  for (const statement of statements) await session.execute(raw(statement));
  const before = await textOfSchema(url);
  const project = await makeProject(url, config);
  const run = await project.tenantry("run", "--yes");
  expect(run.code, `${run.stdout}\n${run.stderr}`).toBe(0);
  expect(await textOfSchema(url)).not.toBe(before);
  const back = await project.tenantry("rollback", "--all", "--yes");
  expect(await textOfSchema(url), back.stderr).toBe(before);
  expect(back.code, back.stderr).toBe(0);
  await drop();
}

test(`pg_dump --schema-only prints the same text before the three days and after their rollback (TENANTRY_TEST_SEED=${seed})`, {
  timeout: 120_000 + runs * 60_000,
}, async () => {
  await fc.assert(fc.asyncProperty(randomSchema, comesBack), {
    seed,
    numRuns: runs,
    // A schema takes seconds, so shrinking would take hours: the seed is printed.
    endOnFailure: true,
  });
});
