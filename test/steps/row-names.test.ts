import { expect, test } from "vitest";
import { z } from "zod";
import { findRelation, readSnapshot } from "../../src/catalog/snapshot.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { rowsWhere } from "../../src/steps/model/checks.ts";
import { createDatabase } from "../setup/database.ts";

test("a row that violates a check is named by its primary key, with its partition where it is in one", async () => {
  const { session } = await createDatabase("names of rows");
  await session.execute(
    raw(`CREATE TABLE lines (
           "order" bigint,
           line integer,
           organization_id uuid,
           PRIMARY KEY ("order", line)
         ) PARTITION BY RANGE ("order");
         CREATE TABLE lines_1 PARTITION OF lines FOR VALUES FROM (0) TO (100);
         INSERT INTO lines VALUES (17, 2, NULL);
         CREATE TABLE leads (id bigint PRIMARY KEY, organization_id uuid);
         INSERT INTO leads VALUES (4, NULL), (5, gen_random_uuid());
         CREATE TABLE keyless (organization_id uuid);
         INSERT INTO keyless VALUES (NULL)`),
  );
  const snapshot = await readSnapshot(session);
  const violations = async (name: string) => {
    const relation = { schema: "public", name };
    const existing = findRelation(snapshot, relation);
    if (existing === undefined) throw new Error(`there is no table ${name}`);
    return session.rows(
      rowsWhere({ relation, existing }, "no organization", sql`record.organization_id IS NULL`),
      z.object({ violation: z.string() }),
    );
  };
  expect(await violations("leads")).toEqual([{ violation: "no organization: id 4" }]);
  expect(await violations("lines")).toEqual([
    { violation: "no organization: (order, line) (17, 2) of lines_1" },
  ]);
  expect(await violations("keyless")).toEqual([{ violation: "no organization: ctid (0,1)" }]);
});
