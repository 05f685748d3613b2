import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Session } from "../../src/postgres/connection.ts";
import { LockMutex } from "../../src/run/mutex.ts";
import { Sessions } from "../../src/run/sessions.ts";
import type { Lock } from "../../src/steps/model/step.ts";

function lockOn(first: string, ...others: string[]): Lock {
  const [on, ...further] = [first, ...others].map((name) => ({ schema: "public", name }));
  if (on === undefined) throw new Error("a lock is on something");
  return { level: "ACCESS EXCLUSIVE", on: [on, ...further] };
}

test("transactions that lock a table in common take turns, also after one that failed; others do not wait", async () => {
  const mutex = new LockMutex();
  const said: string[] = [];
  const work = (name: string, milliseconds: number) => async () => {
    said.push(`${name} begins`);
    await sleep(milliseconds);
    said.push(`${name} ends`);
    if (name === "calls") throw new Error("calls failed");
  };
  const ends = await Promise.allSettled([
    mutex.run(lockOn("leads", "organizations"), work("leads", 60)),
    mutex.run(lockOn("calls", "organizations"), work("calls", 1)),
    mutex.run(lockOn("notes"), work("notes", 1)),
    mutex.run(lockOn("organizations", "scripts"), work("scripts", 1)),
    mutex.run({ level: "none" }, work("files", 1)),
  ]);
  expect(ends.map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
  expect(said.slice(0, 3).sort()).toEqual(["files begins", "leads begins", "notes begins"]);
  expect(said.slice(-5)).toEqual([
    "leads ends",
    "calls begins",
    "calls ends",
    "scripts begins",
    "scripts ends",
  ]);
});

test("sessions are lent in the order in which they were asked for, each to one at a time", async () => {
  // What is lent is not looked at.
  const [one, two] = [{}, {}] as Session[];
  if (one === undefined || two === undefined) throw new Error("there are two");
  const sessions = new Sessions([one, two]);
  const lent: [number, Session][] = [];
  const under = new Set<Session>();
  const works = [30, 5, 5, 5].map((milliseconds, index) =>
    sessions.lend(async (session) => {
      expect(under.has(session)).toBe(false);
      under.add(session);
      lent.push([index, session]);
      await sleep(milliseconds);
      under.delete(session);
    }),
  );
  expect([sessions.idle, sessions.wanted]).toEqual([false, true]);
  await Promise.all(works);
  expect(lent.map(([index]) => index)).toEqual([0, 1, 2, 3]);
  expect([sessions.idle, sessions.wanted]).toEqual([true, false]);
});
