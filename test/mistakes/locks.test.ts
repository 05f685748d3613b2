import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Queries, Session } from "../../src/postgres/connection.ts";
import { type Sql, sql } from "../../src/postgres/sql.ts";
import type { TestDatabase } from "../setup/database.ts";
import {
  ann,
  another,
  oneOrganization,
  online,
  outcomeWithin,
  smallDialler,
  twoOrganizations,
} from "./small-dialler.ts";
import { applyStatements, applyStep, stepsOf } from "./tenantry.ts";
import {
  addColumn,
  backfill,
  createDefaultOrganization,
  createIndex,
  hour1WithoutRecursion,
  runPlan,
  setNotNull,
} from "./the-plan.ts";

const leads = 2000;
const insertLead = sql`INSERT INTO public.leads (user_id, phone) VALUES (${ann}, 'new')`;
const readLead = sql`SELECT 1 FROM public.leads LIMIT 1`;

const strongestFirst = [
  "AccessExclusiveLock",
  "ExclusiveLock",
  "ShareRowExclusiveLock",
  "ShareLock",
  "ShareUpdateExclusiveLock",
] as const;

type Held = {
  /** The strongest lock on each table that was there before, where readers or writers may notice it. */
  readonly locks: ReadonlyMap<string, string>;
  /** The rows of leads that were scanned. */
  readonly scanned: number;
};

/** What work in a transaction holds when it is done. */
async function heldBy(queries: Queries, work: () => Promise<void>): Promise<Held> {
  const tables = await queries.rows(
    sql`SELECT relname AS name FROM pg_stat_user_tables`,
    z.object({ name: z.string() }),
  );
  const before = await scannedLeads(queries);
  await work();
  const scanned = (await scannedLeads(queries)) - before;
  const held = await queries.rows(
    sql`
      SELECT c.relname AS name, l.mode
        FROM pg_locks l
        JOIN pg_class c ON c.oid = l.relation
       WHERE l.pid = pg_backend_pid()
         AND c.relname = ANY (${tables.map(({ name }) => name)}::text[])
    `,
    z.object({ name: z.string(), mode: z.string() }),
  );
  const locks = new Map<string, string>();
  for (const strong of strongestFirst) {
    for (const { name, mode } of held) {
      if (mode === strong && !locks.has(name)) locks.set(name, mode);
    }
  }
  return { locks, scanned };
}

/** Counts on from earlier transactions of the session, as far as they were not reported yet. */
async function scannedLeads(queries: Queries): Promise<number> {
  const [row] = await queries.rows(
    sql`
      SELECT seq_tup_read AS scanned
        FROM pg_stat_xact_user_tables
       WHERE relid = 'public.leads'::regclass
    `,
    z.object({ scanned: z.coerce.number() }),
  );
  return row?.scanned ?? 0;
}

/** Waits until a session waits for a lock. */
async function untilItWaits(observer: Session, { backend }: Session): Promise<void> {
  for (;;) {
    const waiting = await observer.rows(
      sql`SELECT 1 FROM pg_stat_activity WHERE pid = ${backend} AND wait_event_type = 'Lock'`,
      z.object({}),
    );
    if (waiting.length > 0) return;
    await sleep(20);
  }
}

/** What a writer meets who comes while a statement waits for a transaction that wrote before it. */
async function writerBehind(database: TestDatabase, statement: Sql): Promise<string> {
  const earlier = await another(database);
  const writer = await another(database);
  await earlier.execute(sql`BEGIN`);
  await earlier.execute(insertLead);
  const running = database.session.execute(statement);
  await untilItWaits(writer, database.session);
  const outcome = await outcomeWithin(writer, 200, insertLead);
  await earlier.execute(sql`COMMIT`);
  await running;
  return outcome;
}

describe("the plan's statement blocks whoever writes until its transaction ends", () => {
  test.each([
    ["ADD COLUMN … REFERENCES", [], addColumn("leads"), "AccessExclusiveLock", 0],
    ["CREATE INDEX", [addColumn("leads")], createIndex("leads"), "ShareLock", leads],
    [
      "SET NOT NULL",
      [addColumn("leads"), backfill("leads")],
      setNotNull("leads"),
      "AccessExclusiveLock",
      leads,
    ],
  ])("%s", async (title, before, statement, lock, scanned) => {
    const database = await smallDialler(`${title} blocks`, leads);
    const writer = await another(database);
    await runPlan(database.session, hour1WithoutRecursion, createDefaultOrganization, ...before);
    await database.session.transaction(async (queries) => {
      const held = await heldBy(queries, () => runPlan(queries, statement));
      expect(held.locks.get("leads")).toBe(lock);
      expect(held.scanned).toBe(scanned);
      expect(await outcomeWithin(writer, 200, insertLead)).toBe("55P03");
    });
    expect(await outcomeWithin(writer, 200, insertLead)).not.toBe("55P03");
  });

  test("hours 2 and 3 as one migration keep readers out while the index is built", async () => {
    const database = await smallDialler("one migration blocks", leads);
    const reader = await another(database);
    await runPlan(database.session, hour1WithoutRecursion);
    await database.session.transaction(async (queries) => {
      const held = await heldBy(queries, () =>
        runPlan(queries, addColumn("leads"), createIndex("leads")),
      );
      expect(held.locks.get("leads")).toBe("AccessExclusiveLock");
      expect(held.scanned).toBe(leads);
      expect(await outcomeWithin(reader, 200, readLead)).toBe("55P03");
    });
  });
});

/** As pg_locks names them: "SHARE UPDATE EXCLUSIVE" is "ShareUpdateExclusiveLock". */
function modeOf(level: string): string {
  const words = level.split(" ").map((word) => `${word.charAt(0)}${word.slice(1).toLowerCase()}`);
  return `${words.join("")}Lock`;
}

test.each([
  ["one organization", oneOrganization],
  ["two organizations", twoOrganizations],
])(
  "no step scans a table under a lock that writers notice, and each lock is in the plan: %s",
  async (title, config) => {
    const database = await smallDialler(`steps, ${title}`, leads);
    const writer = await another(database);
    for (const step of await stepsOf(database.session, { ...config, online }, "day1")) {
      if (step.mode !== "transaction") {
        await applyStep(database.session, step);
        continue;
      }
      await database.session.transaction(async (queries) => {
        const { locks, scanned } = await heldBy(queries, () => applyStatements(queries, step.up));
        const planned = step.lock.level === "none" ? [] : step.lock.on.map(({ name }) => name);
        const strongest = strongestFirst.find((mode) => [...locks.values()].includes(mode));
        expect(planned, step.id).toEqual(expect.arrayContaining([...locks.keys()]));
        if (strongest !== undefined) expect(modeOf(step.lock.level), step.id).toBe(strongest);
        const onLeads = locks.get("leads");
        if (onLeads === "ShareUpdateExclusiveLock") {
          expect(await outcomeWithin(writer, 200, insertLead), step.id).toBe("done");
        } else if (onLeads !== undefined) {
          expect(scanned, step.id).toBe(0);
        }
      });
    }
  },
);

test("writers go on while an index is built", async () => {
  const theirs = await smallDialler("index, the plan", leads);
  await runPlan(theirs.session, hour1WithoutRecursion, addColumn("leads"));
  const plain = { parts: [createIndex("leads")], values: [] };
  expect(await writerBehind(theirs, plain)).toBe("55P03");

  const ours = await smallDialler("index, Tenantry", leads);
  const steps = await stepsOf(ours.session, { ...oneOrganization, online }, "day1");
  const index = steps.find(({ id }) => id === "day1/leads/index");
  if (index?.mode !== "online") throw new Error("the index is not built online");
  expect(index.lock).toMatchObject({ level: "SHARE UPDATE EXCLUSIVE" });
  for (const step of steps.slice(0, steps.indexOf(index))) await applyStep(ours.session, step);
  expect(await writerBehind(ours, index.up)).toBe("done");
});
