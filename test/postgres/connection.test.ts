import { expect, test } from "vitest";
import { z } from "zod";
import { openSession } from "../../src/postgres/connection.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";

test("a batch sees what others have committed, whatever isolation the database has by default", async () => {
  const { session, url, name } = await createDatabase("isolation");
  await session.execute(sql`CREATE TABLE leads AS SELECT 'open' AS status`);
  await session.execute(
    sql`ALTER DATABASE ${ident(name)} SET default_transaction_isolation = 'serializable'`,
  );
  const batch = await openSession({ url }, "backfill");
  const status = sql`SELECT status FROM leads`;
  await batch.transaction(async (queries) => {
    await queries.rows(status, z.unknown());
    await session.execute(sql`UPDATE leads SET status = 'called'`);
    expect(await queries.rows(status, z.unknown())).toEqual([{ status: "called" }]);
    expect(await queries.execute(sql`UPDATE leads SET status = 'closed'`)).toBe(1);
  });
  await batch.close();
});

test("a transaction's own settings end with it, and one that is refused leaves the session as it was", async () => {
  const { session } = await createDatabase("local settings");
  const answer = z.object({ value: z.string() });
  const setting = sql`SELECT current_setting('synchronous_commit') AS value`;
  const inside = await session.transaction(
    (queries) => queries.rows(setting, answer),
    "read write",
    {
      synchronous_commit: "off",
      application_name: "it's a batch",
    },
  );
  expect(inside).toEqual([{ value: "off" }]);
  const refused = session.transaction(async () => "begun", "read write", {
    synchronous_commit: "?",
  });
  await expect(refused).rejects.toMatchObject({ code: "22023" });
  expect(await session.rows(setting, answer)).toEqual([{ value: "on" }]);
});

test("a session that the server refuses a setting is closed, and keeps no process alive", async () => {
  const { session, url } = await createDatabase("refused setting");
  const name = "tenantry refused";
  await expect(openSession({ url }, name, { no_such_setting: "1" })).rejects.toMatchObject({
    code: "42704",
  });
  const open = sql`SELECT pid FROM pg_stat_activity WHERE application_name = ${name}`;
  await expect.poll(() => session.rows(open, z.unknown())).toEqual([]);
});
