import { expect, test } from "vitest";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { parseSettings } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { planStages } from "../../src/plan/plan.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { ident, literal, sql } from "../../src/postgres/sql.ts";
import { stepSchema } from "../../src/steps/model/step.ts";
import { stages } from "../../stages/index.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makePartitionedDialler, partitionedDialler } from "./dialler.ts";

const day1 = stages.filter(({ name }) => name === "day1");

async function planOf(session: Session, config: Config) {
  const settings = parseSettings(config, "the test");
  return planStages(settings, await readSnapshot(session), day1, { origin: "the test" });
}

/** A name of 60 bytes, of which the plan's own must stay under 64. */
function longName(number: number): string {
  return `call_logs_of_the_north_and_of_the_south_for_the_day_number_${number}`.slice(-60);
}

test("a table of many partitions is planned in a few lines, with names that PostgreSQL takes", async () => {
  const { session, url } = await createDatabase("a plan of many partitions");
  await makePartitionedDialler(session, 100);
  await session.transaction(async (queries) => {
    for (let day = 0; day < 60; day += 1) {
      const bound = (days: number) => literal(new Date(Date.UTC(2027, 0, days)).toISOString());
      await queries.execute(sql`
        CREATE TABLE ${ident(longName(100 + day))} PARTITION OF call_logs
          FOR VALUES FROM (${bound(1 + day)}) TO (${bound(2 + day)})
      `);
    }
  });
  const { stages: planned } = await planOf(session, partitionedDialler);
  const steps = planned.flatMap((stage) => stage.steps);
  const ids = steps.map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)]);
  expect(ids.filter((id) => id.endsWith("/backfill")).length).toBeGreaterThan(60);
  for (const step of steps) {
    expect(stepSchema.parse(JSON.parse(JSON.stringify(step)))).toEqual(step);
  }

  const project = await makeProject(url, partitionedDialler);
  const { stdout } = await project.tenantry("plan", "--stage", "day1");
  expect(stdout.split("\n").length).toBeLessThan(40);
  expect(stdout).toMatch(
    /day1\/call_logs\/\*\/backfill +ROW EXCLUSIVE +66 partitions, one after the other/,
  );
});

test("partitions are named nowhere, and a name that one of them has taken is a fault", async () => {
  const { session } = await createDatabase("a plan of partitions with taken names");
  await makePartitionedDialler(session, 100);
  await session.execute(sql`CREATE INDEX idx_call_logs_2026_01_org_id ON call_logs_2026_01 (said)`);
  const faults = await planOf(session, partitionedDialler).then(
    () => [],
    (error: { details?: readonly string[] }) => error.details,
  );
  expect(faults).toEqual([
    expect.stringMatching(
      /^day1\.tables\.call_logs: has a partition call_logs_2026_01, which has an index idx_call_logs_2026_01_org_id that does not begin with organization_id already/,
    ),
  ]);
});
