import { expect, test } from "vitest";
import { z } from "zod";
import { explainRefusal, openSession } from "../../src/postgres/connection.ts";
import { readCatalog } from "../../src/postgres/read-catalog.ts";
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

test("a transaction of which a statement failed is not taken for a committed one", async () => {
  const { session } = await createDatabase("rolled back at commit");
  await session.execute(sql`CREATE TABLE leads (id integer PRIMARY KEY)`);
  const swallowed = session.transaction(async (queries) => {
    await queries.execute(sql`INSERT INTO leads VALUES (1)`);
    await queries.execute(sql`INSERT INTO leads VALUES (1)`).catch(() => undefined);
    return "done";
  });
  await expect(swallowed).rejects.toMatchObject({
    code: "STATEMENT_FAILED",
    fault: expect.stringContaining("rolled it back at its COMMIT"),
  });
  expect(await session.rows(sql`SELECT id FROM leads`, z.unknown())).toEqual([]);
  const after = session.transaction((queries) =>
    queries.execute(sql`INSERT INTO leads VALUES (2)`),
  );
  expect(await after).toBe(1);
});

test("the catalog is read again where another session swaps a key while it is read", async () => {
  const { session, url } = await createDatabase("read beside a swap");
  await session.execute(sql`CREATE TABLE leads (id integer, CONSTRAINT old_key UNIQUE (id))`);
  const reader = await openSession({ url });
  const keys = sql`
    SELECT conname::text AS name,
           pg_get_constraintdef(oid) AS definition
      FROM pg_constraint
     WHERE conrelid = 'leads'::regclass
  `;
  const swap = async () => {
    await session.execute(sql`ALTER TABLE leads ADD CONSTRAINT new_key UNIQUE (id)`);
    await session.execute(sql`ALTER TABLE leads DROP CONSTRAINT old_key`);
  };
  let attempts = 0;
  const read = await readCatalog(reader, async (queries) => {
    attempts += 1;
    // From here on, the transaction sees the catalog as it is now.
    await queries.execute(sql`SELECT 1`);
    if (attempts === 1) await swap();
    return queries.rows(keys, z.object({ name: z.string(), definition: z.string() }));
  });
  expect({ attempts, read }).toEqual({
    attempts: 2,
    read: [{ name: "new_key", definition: "UNIQUE (id)" }],
  });

  // Where it is not read again, it is explained as what it is.
  const refused = await reader
    .transaction(async (queries) => {
      await queries.execute(sql`SELECT 1`);
      await session.execute(sql`ALTER TABLE leads DROP CONSTRAINT new_key`);
      return queries.rows(keys, z.unknown());
    }, "read only snapshot")
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "XX000" });
  expect(explainRefusal(refused)).toMatchObject({
    means: expect.stringContaining("another session changed"),
    next: expect.not.stringContaining("pg_amcheck"),
  });
  await reader.close();
});
