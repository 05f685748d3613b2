import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { z } from "zod";
import { isConnectionLoss, openSession, sqlState } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";

test("rows are copied out and in within a transaction, and counted", async () => {
  const { session } = await createDatabase("rows are copied");
  await session.execute(sql`CREATE TABLE leads AS SELECT n AS id FROM generate_series(1, 3) AS n`);
  const rows = await session.transaction(async (queries) => {
    await queries.execute(sql`INSERT INTO leads VALUES (4)`);
    const stream = new PassThrough();
    const [copied, said] = await Promise.all([
      queries.copyOut(sql`COPY leads TO STDOUT`, stream),
      text(stream),
    ]);
    expect(said).toBe("1\n2\n3\n4\n");
    expect(await queries.copyIn(sql`COPY leads FROM STDIN`, Readable.from(["5\n6", "\n"]))).toBe(2);
    return copied;
  });
  expect(rows).toBe(4);
  expect(await session.rows(sql`SELECT FROM leads`, z.object({}))).toHaveLength(6);
});

test("what the server refuses to copy leaves the session usable", async () => {
  const { session } = await createDatabase("copies are refused");
  await session.execute(sql`CREATE TABLE leads (id integer)`);
  const refused = async (copied: Promise<number>) =>
    sqlState(await copied.then(String, (error: unknown) => error));
  expect(await refused(session.copyOut(sql`COPY missing TO STDOUT`, new PassThrough()))).toBe(
    "42P01",
  );
  const failing = sql`COPY (SELECT 1 / (9000 - n) FROM generate_series(1, 9000) AS n) TO STDOUT`;
  expect(await refused(session.copyOut(failing, new PassThrough().resume()))).toBe("22012");
  const rows = () => Readable.from(["no number\n"]);
  expect(await refused(session.copyIn(sql`COPY missing FROM STDIN`, rows()))).toBe("42P01");
  expect(await refused(session.copyIn(sql`COPY leads FROM STDIN`, rows()))).toBe("22P02");
  await expect(
    session.copyIn(
      sql`COPY leads FROM STDIN`,
      Readable.from(
        (function* () {
          yield "1\n";
          throw new Error("the source broke");
        })(),
      ),
    ),
  ).rejects.toThrow("the source broke");
  expect(await session.rows(sql`SELECT FROM leads`, z.object({}))).toEqual([]);
});

test("a stream that breaks while rows come out ends the server's COPY", async () => {
  const { session, url } = await createDatabase("a copy breaks");
  const reader = await openSession({ url });
  const stream = new PassThrough();
  stream.once("data", () => stream.destroy(new Error("the disk is full")));
  await expect(
    reader.transaction((queries) =>
      queries.copyOut(
        sql`COPY (SELECT repeat('x', 1000), generate_series(1, 1000000000)) TO STDOUT`,
        stream,
      ),
    ),
  ).rejects.toThrow("the disk is full");
  const after = await reader.execute(sql`SELECT 1`).catch((error: unknown) => error);
  expect(isConnectionLoss(after)).toBe(true);
  await reader.close();
  await expect
    .poll(() =>
      session.rows(sql`SELECT FROM pg_stat_activity WHERE pid = ${reader.backend}`, z.object({})),
    )
    .toEqual([]);
});
