import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { parseSettings } from "../../src/config/load.ts";
import { openSession } from "../../src/postgres/connection.ts";
import { observerOn } from "../../src/postgres/observer.ts";
import { sql } from "../../src/postgres/sql.ts";
import { paceByWaits } from "../../src/run/backfill/batch-pace.ts";
import { createDatabase } from "../setup/database.ts";
import { smallCompany } from "../setup/small-company.ts";

const waits = { timeout: 20_000, interval: 10 };

async function makeRow() {
  const { session: batch, url } = await createDatabase("writers wait");
  await batch.execute(sql`CREATE TABLE leads AS SELECT 1 AS id, 'new' AS status`);
  const observing = await openSession({ url }, "observer");
  const writer = await openSession({ url }, "writer");
  const config = { ...smallCompany, online: { batchTargetInMilliseconds: 40 } };
  const { online } = parseSettings(config, "the test");
  const pace = paceByWaits({ observer: observerOn(observing), online }, () => [batch.backend]);
  const stop = async () => {
    await pace.stop();
    await writer.close();
    await observing.close();
  };
  const change = sql`UPDATE leads SET status = status`;
  return { batch, writer, url, pace, stop, change };
}

test("batches take a quarter of their time while a writer waits for a row of theirs, and all of it afterwards", async () => {
  const { batch, writer, pace, stop, change } = await makeRow();
  expect(pace.milliseconds).toBe(40);
  await batch.execute(sql`BEGIN`);
  await batch.execute(change);
  const written = writer.execute(change);
  await vi.waitFor(() => expect(pace.milliseconds).toBe(10), waits);
  await batch.execute(sql`COMMIT`);
  expect(await written).toBe(1);
  await vi.waitFor(() => expect(pace.milliseconds).toBe(40), waits);
  await stop();
});

test("who waits for somebody else makes no batch shorter", async () => {
  const { batch, writer, url, pace, stop, change } = await makeRow();
  const other = await openSession({ url }, "another writer");
  await other.execute(sql`BEGIN`);
  await other.execute(change);
  const written = writer.execute(change);
  await vi.waitFor(async () => {
    expect(await batch.execute(sql`SELECT FROM pg_locks WHERE NOT granted`)).toBeGreaterThan(0);
  }, waits);
  await sleep(300);
  expect(pace.milliseconds).toBe(40);
  await other.execute(sql`COMMIT`);
  await written;
  await other.close();
  await stop();
});
