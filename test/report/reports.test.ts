import { expect, test } from "vitest";
import { z } from "zod";
import type { StageVerification } from "../../src/events/verification.ts";
import { formatDuration, formatShare } from "../../src/number-formats.ts";
import { githubAnnotations } from "../../src/report/ci/annotations.ts";
import { junitReport } from "../../src/report/ci/junit.ts";
import { sarifReport } from "../../src/report/ci/sarif.ts";
import { colorsFor } from "../../src/report/terminal/colors.ts";
import { lineReporter } from "../../src/report/terminal/lines.ts";

const verification: StageVerification = {
  checks: [{ claim: "leads has a NOT NULL organization", violations: [] }],
  isolation: [
    {
      claim: 'agent "x" reads <only> their own & no more',
      violations: ["row 1: 100 %, a:b", "\u0001row\n2"],
    },
  ],
  criteria: [],
  findings: [],
};

test("JUnit has a case for each claim, and what contradicts it, escaped", () => {
  const report = junitReport("day1", verification);
  expect(report).toContain('<testsuite name="day1: isolation" tests="1" failures="1" errors="0">');
  expect(report).toContain('name="agent &quot;x&quot; reads &lt;only&gt; their own &amp; no more"');
  expect(report).toContain(
    '<failure message="2 rows contradict it">row 1: 100 %, a:b&#10;\uFFFDrow&#10;2',
  );
  // Every tag that is opened is closed, in its order, and no bare < or & is left.
  const open: string[] = [];
  for (const [, closing, name = ""] of report.matchAll(/<(\/?)([a-z]+)(?:\s[a-z]+="[^"<]*")*>/g)) {
    if (closing === "/") expect(open.pop()).toBe(name);
    else open.push(name);
  }
  expect(open).toEqual([]);
  const text = report.replaceAll(/<[^>]*>/g, "").replaceAll(/&(amp|lt|gt|quot|#10);/g, "");
  expect(text).not.toMatch(/[<&]/);
});

test("SARIF has what 2.1.0 demands, and a finding for what does not hold", () => {
  const facts = {
    stage: "day1",
    version: "0.1.0",
    configuration: { file: "a b/tenantry.config.ts", text: "{}" },
  } as const;
  const report = z
    .object({
      version: z.literal("2.1.0"),
      $schema: z.url(),
      runs: z.tuple([
        z.object({
          tool: z.object({
            driver: z.object({ name: z.string(), rules: z.array(z.object({ id: z.string() })) }),
          }),
          results: z.array(
            z.object({
              ruleId: z.string(),
              level: z.enum(["none", "note", "warning", "error"]),
              message: z.object({ text: z.string() }),
              locations: z.tuple([
                z.object({
                  physicalLocation: z.object({
                    artifactLocation: z.object({ uri: z.string() }),
                    region: z.object({ startLine: z.number().min(1) }),
                  }),
                }),
              ]),
            }),
          ),
        }),
      ]),
    })
    .parse(JSON.parse(sarifReport(verification, facts)));
  const [{ tool, results }] = report.runs;
  expect(results).toHaveLength(1);
  expect(tool.driver.rules.map(({ id }) => id)).toContain(results[0]?.ruleId);
  expect(results[0]?.message.text).toContain("row 1: 100 %, a:b");
  expect(results[0]?.locations[0].physicalLocation.artifactLocation.uri).toBe(
    "a%20b/tenantry.config.ts",
  );
});

test("an annotation for GitHub is one line, whatever the rows hold", () => {
  expect(githubAnnotations("day1", verification, { file: "tenantry.config.ts", text: "{}" })).toBe(
    '::error file=tenantry.config.ts,line=1,title=day1 does not hold::agent "x" reads <only> their own & no more%0Arow 1: 100 %25, a:b%0A\u0001row%0A2\n',
  );
});

test("NO_COLOR, FORCE_COLOR and a dumb terminal are minded, each stream for itself", () => {
  const terminal = { isTTY: true };
  const colored = (stream: object, environment: Record<string, string>) =>
    colorsFor(stream, environment).isColorSupported;
  expect(colored(terminal, { TERM: "xterm" })).toBe(true);
  expect(colored({}, { TERM: "xterm", CI: "true" })).toBe(false);
  expect(colored(terminal, { TERM: "dumb" })).toBe(false);
  expect(colored(terminal, { NO_COLOR: "1", FORCE_COLOR: "1" })).toBe(false);
  expect(colored({}, { FORCE_COLOR: "1" })).toBe(true);
  expect(colored(terminal, { FORCE_COLOR: "0" })).toBe(false);
});

test("without a terminal a long backfill says every ten seconds how far it is", () => {
  const lines: string[] = [];
  let now = 0;
  const report = lineReporter(
    "normal",
    (line) => lines.push(line),
    () => now,
  );
  const step = { id: "day1/leads/backfill", title: "backfill", table: "leads" };
  report({ kind: "step-started", step });
  for (let done = 1; done <= 30; done += 1) {
    now += 1000;
    report({ kind: "step-progress", step, done, total: 30, rows: done * 100 });
  }
  expect(lines).toEqual([
    "  leads: backfill: 33 %, 20.0 s left, 1,000 rows, 100 rows/s",
    "  leads: backfill: 66 %, 10.0 s left, 2,000 rows, 100 rows/s",
    "  leads: backfill: 3,000 rows in 30 pages",
  ]);
});

test("a step that waits for a minute for the same thing says so once, and at its end how long", () => {
  const lines: string[] = [];
  let now = 0;
  const report = lineReporter(
    "verbose",
    (line) => lines.push(line),
    () => now,
  );
  const step = { id: "day1/leads/backfill", title: "backfill", table: "leads" };
  const waiting = (attempt: number, reason: string) =>
    report({ kind: "step-waiting", step, attempt, reason });
  for (let attempt = 1; attempt <= 134; attempt += 1) {
    now += 500;
    waiting(attempt, `berlin is ${2000 + attempt} ms behind`);
  }
  report({ kind: "step-progress", step, done: 1, total: 10, rows: 100 });
  waiting(1, "berlin is 2100 ms behind");
  report({ kind: "step-applied", step, milliseconds: 70_000, grownBytes: null });
  expect(lines.map((line) => line.trim())).toEqual([
    "leads: backfill: waiting (1): berlin is 2001 ms behind",
    "leads: backfill: waiting (121): berlin is 2121 ms behind",
    "leads: backfill: waited 1 min 7 s (looked 134 times)",
    "leads: backfill: 10 %, 100 rows",
    "leads: backfill: waiting (1): berlin is 2100 ms behind",
    "leads: backfill 1 min 10 s",
  ]);
});

test("a step that waits for others in turn names each, if not at once", () => {
  const lines: string[] = [];
  let now = 0;
  const report = lineReporter(
    "normal",
    (line) => lines.push(line),
    () => now,
  );
  const step = { id: "day1/leads/column", title: "column", table: "leads" };
  for (let attempt = 1; attempt <= 20; attempt += 1) {
    report({
      kind: "step-waiting",
      step,
      attempt,
      reason: `blocked by ${attempt < 5 ? "a" : "b"}`,
    });
    now += 1000;
  }
  expect(lines.map((line) => line.trim())).toEqual([
    "leads: column: waiting (1): blocked by a",
    "leads: column: waiting (11): blocked by b",
  ]);
});

test("backfills side by side are told apart, each at its own pace", () => {
  const lines: string[] = [];
  let now = 0;
  const report = lineReporter(
    "verbose",
    (line) => lines.push(line),
    () => now,
  );
  const steps = ["leads", "calls"].map((table) => ({
    id: `day1/${table}/backfill`,
    title: "backfill",
    table,
  }));
  for (let done = 0; done <= 2; done += 1) {
    for (const [index, step] of steps.entries()) {
      const rows = done * 1000 * (index + 1);
      report({ kind: "step-progress", step, done, total: 10, rows });
    }
    now += 1000;
  }
  expect(lines.slice(-2)).toEqual([
    "  leads: backfill: 20 %, 8.0 s left, 2,000 rows, 1,000 rows/s",
    "  calls: backfill: 20 %, 8.0 s left, 4,000 rows, 2,000 rows/s",
  ]);
});

test("units are those that people read", () => {
  expect(formatDuration(2 * 3_600_000 + 5 * 60_000)).toBe("2 h 5 min");
  expect(formatShare(999, 1000)).toBe("99 %");
  expect(formatShare(0, 0)).toBe("100 %");
});
