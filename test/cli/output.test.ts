import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { runEventSchema } from "../../src/events/events.ts";
import { outputLineSchema, resultSchema } from "../../src/operations/context/results.ts";
import { sql } from "../../src/postgres/sql.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject, type Outcome, type Project } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await makeDatabase("what is printed");
  await makeSmallCompany(database.session, 500);
});

afterAll(() => database.drop());

/** What standard output held, every line of it read through its schema. */
function linesOf({ stdout }: Pick<Outcome, "stdout">) {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const read = outputLineSchema.parse(JSON.parse(line));
      // A field that the schema does not know would have been left out.
      expect(read).toEqual(JSON.parse(line));
      return read;
    });
}

async function logOf({ folder }: Project, command: string): Promise<string> {
  const logs = path.join(folder, ".tenantry/logs");
  const name = (await readdir(logs)).find((one) => one.endsWith(`-${command}.jsonl`));
  if (name === undefined) throw new Error(`there is no log of ${command}`);
  return readFile(path.join(logs, name), "utf8");
}

test("every kind of line is documented, with its fields", async () => {
  const documentation = await readFile(new URL("../../docs/output.md", import.meta.url), "utf8");
  for (const { shape } of [...runEventSchema.options, ...resultSchema.options]) {
    const { kind, ...fields } = shape;
    const row = documentation.split("\n").find((line) => line.startsWith(`| \`${kind.value}\` |`));
    for (const field of Object.keys(fields))
      expect([kind.value, row]).toEqual([kind.value, expect.stringContaining(`\`${field}\``)]);
  }
});

test("whatever --json prints, a program can read; logs hold the same and no parameters", {
  timeout: 240_000,
}, async () => {
  const project = await makeProject(database.url, smallCompany);
  const kinds = async (...args: string[]) => {
    const outcome = await project.tenantry(...args, "--json");
    expect([args, outcome.code, outcome.stderr]).toEqual([args, 0, ""]);
    return linesOf(outcome).map(({ kind }) => kind);
  };
  expect(await kinds("plan")).toEqual(["plan"]);
  expect(await kinds("rehearse", "--stage", "day1", "--writes-per-second", "5")).toEqual(
    expect.arrayContaining(["notice", "stage-applied", "rollback-finished", "rehearsal"]),
  );
  const run = await kinds("run", "--stage", "day1", "--yes");
  expect(run.at(-1)).toBe("stage-applied");
  expect(run).toEqual(expect.arrayContaining(["step-progress", "step-verified", "stage-verified"]));
  expect(run).not.toContain("statement");
  expect(await kinds("status", "--steps")).toEqual(["status"]);
  expect(new Set(await kinds("--stage", "day1", "--verify"))).toEqual(
    new Set(["proof-progress", "verification"]),
  );
  expect(await kinds("backup", "list")).toEqual(["backups"]);
  const rollback = await kinds("rollback", "--yes", "--debug");
  expect(rollback).toContain("statement");
  expect(rollback).toContain("rollback-finished");

  const log = linesOf({ stdout: await logOf(project, "run") });
  expect(log.map(({ kind }) => kind).filter((kind) => kind !== "statement")).toEqual(run);
  const statements = log.filter((line) => line.kind === "statement");
  expect(statements.some(({ text }) => text.includes("CREATE INDEX CONCURRENTLY"))).toBe(true);
  expect(statements.filter(({ values }) => values !== undefined)).toEqual([]);
  await logOf(project, "rehearse");
});

test("results are on standard output, all progress on standard error", async () => {
  const project = await makeProject(database.url, smallCompany);
  const run = await project.tenantry("run", "--stage", "day1", "--yes", "--verbose");
  expect(run.code).toBe(0);
  expect(run.stdout).toMatch(/^What its steps made\n/);
  expect(run.stdout).toMatch(/day1: \d+ of \d+ claims hold$/);
  expect(run.stderr).toContain("  leads: backfill: begins");
  expect(run.stderr).toMatch(/ {4}holds: /);
  expect(run.stderr).not.toContain("claims hold");
  const rollback = await project.tenantry("rollback", "--yes", "--quiet");
  expect(rollback).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("--debug says every statement with its parameters; a refusal has its stack only there", async () => {
  const project = await makeProject(database.url, smallCompany);
  const told = await project.tenantry("status", "--debug");
  expect(told.stderr).toMatch(/sql \(tenantry\) \d+ ms\n {4}SELECT /);
  const refused = await project.tenantry("run", "--stage", "day3", "--yes");
  expect(refused.stderr).not.toMatch(/^\s+at /m);
  // Nothing was begun, so no log has anything to say.
  expect(refused.stderr).not.toContain(".tenantry");
  expect((await project.tenantry("run", "--stage", "day3", "--yes", "--debug")).stderr).toMatch(
    /^\s+at /m,
  );
});

test("Ctrl-C is answered at once, and what fails says where its log is", async () => {
  const { session, url } = database;
  const project = await makeProject(url, smallCompany);
  const open = z.object({ count: z.coerce.number() });
  await session.execute(sql`BEGIN`);
  await session.execute(sql`LOCK TABLE leads IN SHARE MODE`);
  const started = project.start("run", "--stage", "day1", "--yes");
  const waits = sql`SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'leads'::regclass`;
  while (((await session.rows(waits, open))[0]?.count ?? 0) === 0) await sleep(20);
  started.kill("SIGINT");
  const outcome = await started.ended;
  await session.execute(sql`ROLLBACK`);
  expect(outcome.code).toBe(130);
  expect(outcome.stderr).toContain("stopping when the statement under way has ended");
  expect(outcome.stderr).toMatch(/note: the log is \.tenantry\/logs\/\S+-run\.jsonl/);
  expect(await logOf(project, "run")).toContain('"kind":"interrupted","cancels":false');
  expect((await project.tenantry("rollback", "--yes")).code).toBe(0);
});
