import { expect, test } from "vitest";
import { sql } from "../../src/postgres/sql.ts";
import { estimate, estimateSteps } from "../../src/run/estimate.ts";
import type { Step } from "../../src/steps/model/step.ts";
import { createDatabase } from "../setup/database.ts";

const common = {
  id: "day1/leads/index",
  title: "build the index",
  table: { schema: "public", name: "leads" },
  down: { kind: "covered", by: "day1/leads/column" },
  verify: [{ claim: "it is there", violations: sql`SELECT 1`, lasting: false }],
} as const;

const index: Step = {
  ...common,
  mode: "online",
  lock: { level: "SHARE UPDATE EXCLUSIVE", on: [common.table] },
  up: sql`SELECT 1`,
  state: sql`SELECT 1`,
  clean: sql`SELECT 1`,
};
const column: Step = {
  ...common,
  id: "day1/leads/column",
  mode: "transaction",
  lock: { level: "ACCESS EXCLUSIVE", on: [common.table] },
  up: [sql`SELECT 1`],
};

test("what looks at rows takes longer on a larger table, and a change of the catalog does not", () => {
  const megabyte = 1024 * 1024;
  expect(estimate(index, 1000 * megabyte)).toBeGreaterThan(
    50 * (estimate(index, megabyte) ?? Number.NaN),
  );
  expect(estimate(column, 1000 * megabyte)).toBe(estimate(column, 0));
});

test("nothing is said of how long the application's gates take: a test suite may be a second or an hour", () => {
  const gates: Step = {
    ...common,
    id: "day3/application",
    mode: "application",
    lock: { level: "none" },
    changes: [],
    gates: [{ name: "test", command: "npm test" }],
  };
  expect(estimate(gates, 0)).toBeUndefined();
});

test("steps are estimated by the sizes that their tables have, also by none", async () => {
  const { session } = await createDatabase("estimates");
  await session.execute(
    sql`CREATE TABLE leads AS SELECT n, repeat('x', 900) AS note FROM generate_series(1, 10000) AS n`,
  );
  const [larger] = await estimateSteps(session, [index]);
  await session.execute(sql`DROP TABLE leads`);
  const [none] = await estimateSteps(session, [index]);
  expect(larger?.[1]).toBeGreaterThan(none?.[1] ?? Number.POSITIVE_INFINITY);
});
