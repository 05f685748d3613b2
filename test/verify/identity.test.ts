import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { sql } from "../../src/postgres/sql.ts";
import { callerExpression } from "../../src/steps/model/tenancy.ts";
import { makeDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

test("an application that calls itself system goes on writing, and reads nobody's rows", async () => {
  const database = await makeDatabase("identity");
  onTestFinished(() => database.drop());
  const { session } = database;
  await makeSmallCompany(session, 20);
  const project = await makeProject(database.url, smallCompany);
  expect(await project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({ code: 0 });
  await session.transaction(async (queries) => {
    await queries.execute(sql`SET LOCAL app.user_id = 'system'`);
    await queries.execute(sql`INSERT INTO calls (lead_id, said) VALUES (1, 'written by system')`);
    await queries.execute(sql`INSERT INTO leads (person_id, phone) VALUES (1, '1')`);
    await queries.execute(sql`SET LOCAL ROLE small_company_app`);
    const seen = await queries.rows(sql`SELECT id FROM leads`, z.object({ id: z.unknown() }));
    expect(seen).toEqual([]);
  });
});

const max = "9223372036854775807";

test("only what is a key of the users' type is somebody", async () => {
  const database = await makeDatabase("keys");
  onTestFinished(() => database.drop());
  const ask = (type: string, value: string) =>
    database.session.transaction(async (queries) => {
      await queries.execute(sql`SELECT set_config('app.user_id', ${value}, TRUE)`);
      const expression = callerExpression({ kind: "setting", setting: "app.user_id" }, type);
      const [row] = await queries.rows(
        sql`SELECT (${expression})::text AS key`,
        z.object({ key: z.string().nullable() }),
      );
      return row?.key;
    });
  for (const type of ["smallint", "integer", "bigint", "uuid"]) {
    for (const value of ["system", "", "1e3", "1.5", "99999999999999999999", "0x1f"]) {
      expect([type, value, await ask(type, value)]).toEqual([type, value, null]);
    }
  }
  expect(await ask("bigint", max)).toBe(max);
  expect(await ask("bigint", "9223372036854775808")).toBeNull();
  expect(await ask("integer", " 7 ")).toBe("7");
  expect(await ask("integer", "2147483648")).toBeNull();
  const id = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
  expect(await ask("uuid", id.toUpperCase())).toBe(id);
  expect(await ask("text", "system")).toBe("system");
});
