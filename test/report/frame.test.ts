import pc from "picocolors";
import { expect, test } from "vitest";
import type { RunEvent, StepFacts } from "../../src/events/events.ts";
import { drawFrame } from "../../src/report/terminal/frame.ts";
import { advance, beginProgress, type Progress } from "../../src/report/terminal/progress.ts";

const plain = pc.createColors(false);

function stepOf(table: string): StepFacts {
  return { id: `day1/${table}/backfill`, title: "backfill", table };
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `table_${String(index + 1).padStart(3, "0")}`);
}

/** A stage in which some tables are done, one is backfilled, and others wait. */
function underWay(
  { tables, done }: { tables: number; done: number },
  predictedMilliseconds: Readonly<Record<string, number>> = {},
): Progress {
  const steps = names(tables).map(stepOf);
  const progress = beginProgress({
    kind: "stage-started",
    stage: "day1",
    title: "Foundation",
    steps,
    tablesAtOnce: 1,
    resumed: true,
    predictedMilliseconds,
  });
  if (progress === undefined) throw new Error("a stage has progress");
  for (const step of steps.slice(0, done)) {
    take(progress, { kind: "step-started", step });
    take(progress, { kind: "step-progress", step, done: 10, total: 10, rows: 1234 });
    take(progress, { kind: "step-applied", step, milliseconds: 1500, grownBytes: 0 });
    take(progress, { kind: "step-verified", step, claims: [] });
  }
  const step = steps[done];
  if (step === undefined) return progress;
  take(progress, { kind: "step-started", step });
  take(progress, { kind: "step-progress", step, done: 1000, total: 5000, rows: 20_000 });
  take(progress, { kind: "step-progress", step, done: 2000, total: 5000, rows: 40_000 }, 2000);
  return progress;
}

function take(progress: Progress, event: RunEvent, now = 0): void {
  advance(progress, event, now);
}

function drawn(progress: Progress, columns: number, rows: number): string {
  return drawFrame(progress, { columns, rows }, 2000, plain).join("\n");
}

test("where all tables fit, all are shown", () => {
  expect(drawn(underWay({ tables: 5, done: 2 }), 80, 20)).toMatchInlineSnapshot(`
    "✔ table_001  1.5 s, 1,234 rows
    ✔ table_002  1.5 s, 1,234 rows
    ▸ table_003  backfill, 40 %, 6.0 s left, 40,000 rows, 10,000 rows/s
    ◼ table_004
    ◼ table_005
    ◼ verify
    2 of 6 done"
  `);
});

test("130 tables on 24 lines are those that matter now, and counts of the others", () => {
  expect(drawn(underWay({ tables: 130, done: 57 }), 80, 12)).toMatchInlineSnapshot(`
    "✔ 53 done before
    ✔ table_054  1.5 s, 1,234 rows
    ✔ table_055  1.5 s, 1,234 rows
    ✔ table_056  1.5 s, 1,234 rows
    ✔ table_057  1.5 s, 1,234 rows
    ▸ table_058  backfill, 40 %, 6.0 s left, 40,000 rows, 10,000 rows/s
    ◼ table_059
    ◼ table_060
    ◼ table_061
    ◼ table_062
    ◼ 69 more to come
    57 of 131 done"
  `);
});

test.each([40, 80, 160])(
  "20 and 130 tables fit %i columns and any height, at any time",
  (columns) => {
    for (const tables of [20, 130]) {
      for (const rows of [5, 21, 47]) {
        for (const done of [0, 1, Math.floor(tables / 2), tables - 1, tables]) {
          const progress = underWay({ tables, done });
          const lines = drawn(progress, columns, rows).split("\n");
          expect(lines.length).toBeLessThanOrEqual(rows);
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
          if (done < tables)
            expect(lines.join("\n")).toContain(`▸ table_${String(done + 1).padStart(3, "0")}`);
        }
      }
    }
  },
);

test("on a narrow terminal the share and the time left stay", () => {
  const narrow = drawn(underWay({ tables: 3, done: 1 }), 36, 20);
  expect(narrow).toContain("▸ table_002  40 %, 6.0 s left");
  const wide = drawn(underWay({ tables: 3, done: 1 }), 160, 20);
  expect(wide).toContain("▸ table_002  backfill, 40 %, 6.0 s left, 40,000 rows, 10,000 rows/s");
});

test("who blocks is said until the step goes on", () => {
  const progress = underWay({ tables: 3, done: 1 });
  const step = stepOf("table_002");
  const reason = "process 123 (app), idle in transaction, in its transaction for 00:01:02";
  take(progress, { kind: "step-waiting", step, reason, attempt: 3 });
  expect(drawn(progress, 120, 20)).toContain(`    waits for ${reason} (attempt 3)`);
  const narrow = drawn(progress, 40, 20).replaceAll(/\s+/g, " ");
  expect(narrow).toContain(`waits for ${reason} (attempt 3)`);
  take(progress, { kind: "step-progress", step, done: 2100, total: 5000, rows: 41_000 });
  expect(drawn(progress, 120, 20)).not.toContain("waits for");
});

test("a failed table stays in sight, with why", () => {
  const progress = underWay({ tables: 130, done: 57 });
  take(progress, { kind: "stage-failed", stage: "day1", code: "X", message: "no more room" });
  expect(drawn(progress, 80, 10)).toContain("✘ table_058  no more room");
});

/** The first of three tables is done, as said or not, the second is backfilled, the third waits. */
function secondOfThree(took: number): string {
  const steps = names(3).map(stepOf);
  const progress = beginProgress({
    kind: "stage-started",
    stage: "day1",
    title: "Foundation",
    steps,
    tablesAtOnce: 1,
    resumed: true,
    predictedMilliseconds: Object.fromEntries(steps.map(({ id }) => [id, 60_000])),
  });
  const [first, second] = steps;
  if (progress === undefined || first === undefined || second === undefined)
    throw new Error("none");
  take(progress, { kind: "step-started", step: first });
  take(progress, { kind: "step-applied", step: first, milliseconds: took, grownBytes: 0 }, took);
  take(progress, { kind: "step-verified", step: first, claims: [] }, took);
  take(progress, { kind: "step-started", step: second }, took);
  const pages = { kind: "step-progress", step: second, total: 5000 } as const;
  take(progress, { ...pages, done: 1000, rows: 20_000 }, took);
  take(progress, { ...pages, done: 2000, rows: 40_000 }, took + 2000);
  return drawFrame(progress, { columns: 80, rows: 20 }, took + 2000, plain).join("\n");
}

test("what steps were said to take tells when they will be done; where nothing was said, nothing is", () => {
  // Of the second table the backfill's own pace says six seconds; the third takes a minute.
  expect(secondOfThree(60_000)).toContain("1 of 4 done, about 1 min 6 s of steps left");
  expect(drawn(underWay({ tables: 3, done: 1 }), 80, 20)).not.toContain("about");
});

test("where steps take twice what was said, those that are left do so too", () => {
  expect(secondOfThree(120_000)).toContain("1 of 4 done, about 2 min 6 s of steps left");
});

test("Ctrl-C is answered at once, and again", () => {
  const progress = underWay({ tables: 130, done: 57 });
  take(progress, { kind: "interrupted", cancels: false });
  expect(drawn(progress, 80, 12)).toContain(
    "Stopping when the statement has ended. Ctrl-C cancels",
  );
  take(progress, { kind: "interrupted", cancels: true });
  expect(drawn(progress, 80, 12)).toContain("Cancelling the statement");
});

/** A stage of which tables go side by side, each in its lane; the third is the first one's child. */
function sideBySide(tablesAtOnce: number): Progress {
  const [parent = "", ...others] = names(4);
  const steps = names(4).map((name) => ({
    ...stepOf(name),
    lane: { name, after: name === others[1] ? [parent] : [] },
  }));
  const progress = beginProgress({
    kind: "stage-started",
    stage: "day1",
    title: "Foundation",
    steps,
    tablesAtOnce,
    resumed: true,
    predictedMilliseconds: Object.fromEntries(steps.map(({ id }) => [id, 60_000])),
  });
  if (progress === undefined) throw new Error("a stage has progress");
  for (const [index, step] of steps.slice(0, 2).entries()) {
    take(progress, { kind: "step-started", step });
    take(progress, { kind: "step-progress", step, done: 0, total: 100, rows: 0 });
    take(
      progress,
      { kind: "step-progress", step, done: 20 + 20 * index, total: 100, rows: 900 },
      2000,
    );
  }
  return progress;
}

test("tables side by side each have their own pace, and the time left is theirs together", () => {
  expect(drawn(sideBySide(2), 80, 20)).toMatchInlineSnapshot(`
    "▸ table_001  backfill, 20 %, 8.0 s left, 900 rows, 450 rows/s
    ▸ table_002  backfill, 40 %, 3.0 s left, 900 rows, 450 rows/s
    ◼ table_003
    ◼ table_004
    ◼ verify
    0 of 5 done, about 1 min 8 s of steps left"
  `);
  // Eight seconds and a minute for the parent and its child; three and a minute beside them.
  expect(drawn(sideBySide(2), 80, 20)).toContain("about 1 min 8 s of steps left");
});

test("where one of several fails it is the one marked, and what stopped beside it is to come", () => {
  const progress = sideBySide(2);
  const [first, second] = names(2).map(stepOf);
  if (first === undefined || second === undefined) throw new Error("there are two");
  const failed = { kind: "step-failed", step: second, code: "X", message: "no more room" } as const;
  take(progress, failed);
  take(progress, { kind: "stage-failed", stage: "day1", code: "X", message: "no more room" });
  const lines = drawn(progress, 80, 20);
  expect(lines).toContain("✘ table_002  no more room");
  expect(lines).toContain("◼ table_001");
});

test("of what failed no time is told that it would still take", () => {
  const progress = underWay(
    { tables: 2, done: 0 },
    { "day1/table_001/backfill": 60_000, "day1/table_002/backfill": 60_000 },
  );
  expect(drawn(progress, 80, 20)).toContain("of steps left");
  take(progress, { kind: "stage-failed", stage: "day1", code: "X", message: "no more room" });
  expect(drawn(progress, 80, 20)).not.toContain("of steps left");
});

test("the application's gates are shown while they run, with when", () => {
  const step = { id: "day3/application", title: "rewrite the application's queries", table: null };
  const progress = beginProgress({
    kind: "stage-started",
    stage: "day3",
    title: "Proof and contract",
    steps: [step],
    tablesAtOnce: 1,
    resumed: true,
    predictedMilliseconds: {},
  });
  if (progress === undefined) throw new Error("a stage has progress");
  take(progress, { kind: "step-started", step });
  take(progress, { kind: "gate-started", step, gate: "end to end", when: "before" }, -3000);
  expect(drawn(progress, 80, 20)).toContain(
    "▸ rewrite the application's queries  end to end before it, 5.0 s",
  );
});

test("more tables at once than lines are counted", () => {
  const progress = sideBySide(4);
  for (const step of names(4).map(stepOf)) take(progress, { kind: "step-started", step });
  const lines = drawn(progress, 80, 5).split("\n");
  expect(lines.length).toBeLessThanOrEqual(5);
  expect(lines).toContain("▸ 3 more under way");
});
