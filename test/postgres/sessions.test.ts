import { expect, test, vi } from "vitest";
import { z } from "zod";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { withSessions } from "../../src/postgres/sessions.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { serverOf } from "../setup/majors.ts";

const nameRow = z.object({ name: z.string() });
const lent = sql`
  SELECT application_name AS name
    FROM pg_stat_activity
   WHERE datname = current_database()
     AND application_name LIKE 'lent%'
   ORDER BY application_name
`;

async function expectNone(session: Session): Promise<void> {
  await vi.waitFor(async () => expect(await session.rows(lent, nameRow)).toEqual([]), {
    timeout: 20_000,
  });
}

test("sessions are closed when the work that they were opened for ends", async () => {
  const { session, url } = await createDatabase("lent sessions");
  const seen = await withSessions(async (open) => {
    await open({ url }, "lent 1");
    const closedBefore = await open({ url }, "lent 2");
    const found = await session.rows(lent, nameRow);
    await closedBefore.close();
    return found;
  });
  expect(seen).toEqual([{ name: "lent 1" }, { name: "lent 2" }]);
  await expectNone(session);
});

test("where one is refused, those before it and those on their way are closed, and the refusal is what is thrown", async () => {
  const { session, url } = await createDatabase("refused session");
  const nowhere = new URL(url);
  nowhere.pathname = "/no_such_database";
  const state = "two tables are copied";
  const refused = withSessions(async (open) => {
    await open({ url }, "lent 1");
    await Promise.all([
      open({ url: nowhere.href }, "lent 2", {}, state),
      open({ url }, "lent 3"),
      open({ url }, "lent 4", { no_such_setting: "1" }),
    ]);
  });
  await expect(refused).rejects.toThrow();
  const alone = withSessions((open) => open({ url: nowhere.href }, "lent 5", {}, state));
  await expect(alone).rejects.toMatchObject({ code: "CONNECTION_FAILED", state });
  await expectNone(session);
});

test("where the work fails, its sessions are closed, and its error is what is thrown", async () => {
  const { session, url } = await createDatabase("failing work");
  const failing = withSessions(async (open) => {
    const one = await open({ url }, "lent 1");
    await open({ url }, "lent 2");
    await one.execute(sql`SELECT 1 / 0`);
  });
  await expect(failing).rejects.toMatchObject({ code: "22012" });
  await expectNone(session);
});

test("a session whose server does not answer is closed all the same, idle or not", async () => {
  const { url } = await createDatabase("no answer", (await serverOf(15)).url);
  for (const idle of [true, false]) {
    const session = await openSession({ url }, "no answer");
    process.kill(session.backend, "SIGSTOP");
    try {
      const asked = idle ? undefined : session.execute(sql`SELECT 1`);
      await Promise.all([session.close(), asked && expect(asked).rejects.toThrow()]);
    } finally {
      // DROP DATABASE waits for every process of the server.
      process.kill(session.backend, "SIGCONT");
    }
  }
});

test("a statement is cancelled without a session for it, and the session goes on", async () => {
  const { session } = await createDatabase("cancelled");
  const sleeping = session.execute(sql`SELECT pg_sleep(300)`);
  const cancelled = expect(sleeping).rejects.toMatchObject({ code: "57014" });
  await session.cancel();
  await cancelled;
  expect(await session.execute(sql`SELECT 1`)).toBe(1);
});
