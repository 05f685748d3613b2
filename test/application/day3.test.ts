import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import type { Config } from "../../src/config/schema.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { keys, openTerminal } from "../setup/terminal.ts";
import { expectDone, testTimeout } from "../three-days/three-days.ts";

/** With a byte order mark and the line ends of another system, which a rewriting leaves alone. */
const leads = `\uFEFFimport { supabase } from "./client";\r
\r
export async function load(organizationId: string) {\r
  const { data } = await supabase\r
    .from("leads")\r
    .select("*");\r
  return data;\r
}\r
`;
const rewritten = leads.replace(
  `.select("*")`,
  `.select("*")\r\n    .eq("organization_id", organizationId)`,
);
const client = `declare const key: string;
declare function createClient(url: string, key: string): any;
export const supabase = createClient("https://x.example", key + "SUPABASE_ANON_KEY");
`;
/** Notes how it finds the code, and holds unless told otherwise. */
const gate = `
import { appendFileSync, existsSync, readFileSync } from "node:fs";
const changed = readFileSync("src/leads.ts", "utf8").includes("organization_id");
appendFileSync("gates.log", (changed ? "after" : "before") + " ");
if (existsSync("slow") && changed) await new Promise((resolve) => setTimeout(resolve, 60_000));
if (existsSync("never") || (existsSync("after") && changed)) {
  console.log("src/leads.ts(5,3): error TS2339");
  process.exit(2);
}
`;

type Company = {
  readonly session: Session;
  readonly project: Project;
  readonly url: string;
  text(): Promise<string>;
  write(name: string, text: string): Promise<void>;
};

/** A company after Day 2, with an application. */
async function company(name: string, code: Config["code"] = {}): Promise<Company> {
  const { session, url } = await createDatabase(name);
  await makeSmallCompany(session, 50);
  const config: Config = {
    ...smallCompany,
    online: {},
    code: { gates: { typecheck: "node gate.mjs" }, ...code },
  };
  const project = await makeProject(url, config);
  const write = async (file: string, text: string) => {
    await mkdir(path.dirname(path.join(project.folder, file)), { recursive: true });
    await writeFile(path.join(project.folder, file), text);
  };
  await write("src/leads.ts", leads);
  await write("src/client.ts", client);
  await write("gate.mjs", gate);
  for (const stage of ["day1", "day2"]) {
    expectDone(await project.tenantry("run", "--yes", "--stage", stage));
  }
  const text = () => readFile(path.join(project.folder, "src/leads.ts"), "utf8");
  return { session, project, url, text, write };
}

const day3 = ["run", "--yes", "--stage", "day3"] as const;

/** Whether Day 3 took the default organization away. */
async function contracted(session: Session): Promise<boolean> {
  const [row] = await session.rows(
    sql`SELECT prosrc LIKE '%IS NULL THEN%' AS fallback FROM pg_proc WHERE proname = 'writing_organization'`,
    z.object({ fallback: z.boolean() }),
  );
  return row?.fallback === false;
}

test("Day 3 rewrites the application between two runs of its gates; rolled back, every byte is as it was", {
  timeout: testTimeout,
}, async () => {
  const { session, project, text } = await company("application day3");
  const plan = await project.tenantry("plan", "--stage", "day3");
  expect(plan.stdout).toContain("files that Day 3 changes:\n  src/leads.ts\ngates: typecheck");
  expect(await text()).toBe(leads);

  const run = await project.tenantry(...day3);
  expectDone(run);
  expect(run.stderr).toMatch(/typecheck holds before it .*\n.*typecheck holds after it/);
  expect(await readFile(path.join(project.folder, "gates.log"), "utf8")).toBe("before after ");
  expect(await text()).toBe(rewritten);
  expect(await contracted(session)).toBe(true);
  const verified = await project.tenantry("--stage", "day3", "--verify", "--verbose");
  expectDone(verified);

  const back = await project.tenantry("rollback", "--yes", "--stage", "day3");
  expectDone(back);
  expect(await text()).toBe(leads);
  expect(await contracted(session)).toBe(false);
  expect(back.stderr).toContain(
    "removed from the application's files what Day 3 wrote: src/leads.ts.",
  );
});

test("whoever is asked is shown which files Day 3 changes, and what it asks of them", {
  timeout: testTimeout,
}, async () => {
  const { project, url, text } = await company("application asked");
  const { sees, press, ended } = openTerminal(
    project,
    url,
    ...day3.filter((arg) => arg !== "--yes"),
  );
  const screen = await sees("Run day3 on");
  expect(screen).toMatch(/files +1 file changed in .*, none committed:\s+src\/leads\.ts/);
  expect(screen).toMatch(/gates +typecheck, before the files are changed and after/);
  press("n", keys.enter);
  expect((await ended).code).toBe(2);
  expect(await text()).toBe(leads);
});

test("a gate that held and does not any more fails the stage, which rolls itself back before the database is touched", {
  timeout: testTimeout,
}, async () => {
  const { session, project, text, write } = await company("application gate");
  await write("after", "");
  const run = await project.tenantry(...day3);
  expect(run.code).toBe(3);
  expect(run.stderr).toContain("gates of the application fail: typecheck");
  expect(run.stderr).toContain("node gate.mjs ended with exit code 2");
  expect(run.stderr).toContain("src/leads.ts(5,3): error TS2339");
  expect(run.stderr).toContain("day3 was rolled back; the schema is as it was before it");
  expect(await text()).toBe(leads);
  expect(await contracted(session)).toBe(false);
});

test("a gate that failed before is reported, and its result is ignored", {
  timeout: testTimeout,
}, async () => {
  const { project, text, write } = await company("application broken before");
  await write("never", "");
  const run = await project.tenantry(...day3);
  expectDone(run);
  expect(run.stderr).toContain(
    "gate typecheck failed before Day 3 changed any file, and fails after: its result is ignored",
  );
  expect(await text()).toBe(rewritten);

  // Where nothing is changed, there is no before: the gates must hold.
  expectDone(await project.tenantry("rollback", "--yes", "--leave-files"));
  const again = await project.tenantry(...day3);
  expect(again.code).toBe(3);
  expect(again.stderr).toContain("gates of the application fail: typecheck  GATE_FAILED");
});

test("what was edited since stays in a rollback; the very lines of Day 3 are shown, and it stops", {
  timeout: testTimeout,
}, async () => {
  const { session, project, text, write } = await company("application edited");
  expectDone(await project.tenantry(...day3));
  const edited = rewritten.replace(
    `.eq("organization_id", organizationId)`,
    `.eq("organization_id", organizationId).limit(9)`,
  );
  await write("src/leads.ts", edited);
  const refused = await project.tenantry("rollback", "--yes");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("src/leads.ts:6");
  expect(refused.stderr).toContain("--leave-files");
  expect(refused.stderr).toContain(`now:        .eq("organization_id", organizationId).limit(9);`);
  expect(refused.stderr).toContain(`before:     .select("*");`);
  expect(await text()).toBe(edited);
  // The database is rolled back by then: it does not wait for a file.
  expect(await contracted(session)).toBe(false);

  const elsewhere = `${rewritten}// mine\r\n`;
  await write("src/leads.ts", elsewhere);
  expectDone(await project.tenantry("rollback", "--yes", "--stage", "day3"));
  expect(await text()).toBe(`${leads}// mine\r\n`);
});

test("a rollback where the application is not at hand leaves its files", {
  timeout: testTimeout,
}, async () => {
  const { project, text, write } = await company("application left");
  expectDone(await project.tenantry(...day3));
  await write("src/leads.ts", "something else");
  const left = await project.tenantry("rollback", "--yes", "--leave-files");
  expectDone(left);
  expect(left.stderr).toContain(
    "files written by Day 3, not changed by this rollback: src/leads.ts",
  );
  expect(await text()).toBe("something else");
});

test("Day 3 that is killed while its gates run begins again from the files as they were", {
  timeout: testTimeout,
}, async () => {
  const { project, text, write } = await company("application killed");
  await write("slow", "");
  const started = project.start(...day3);
  while ((await text()) === leads) await sleep(50);
  started.kill("SIGKILL");
  await started.ended;
  expect(await text()).toBe(rewritten);

  await rm(path.join(project.folder, "slow"));
  await write("gates.log", "");
  const again = await project.tenantry("run", "--yes");
  expectDone(again);
  expect(await readFile(path.join(project.folder, "gates.log"), "utf8")).toMatch(/before after $/);
  expect(await text()).toBe(rewritten);
  expectDone(await project.tenantry("rollback", "--yes", "--stage", "day3"));
  expect(await text()).toBe(leads);
});

test("an interrupted gate is ended, and is not reported as failed", {
  timeout: testTimeout,
}, async () => {
  const { project, text, write } = await company("application interrupted");
  await write("slow", "");
  const started = project.start(...day3);
  while ((await text()) === leads) await sleep(50);
  started.kill("SIGINT");
  const { code, stderr } = await started.ended;
  expect(code).toBe(130);
  expect(stderr).not.toContain("gates of the application fail");
  expectDone(await project.tenantry("rollback", "--yes", "--stage", "day3"));
  expect(await text()).toBe(leads);
});

test("code that needs a person is refused before anything is touched, all of it at once", {
  timeout: testTimeout,
}, async () => {
  const { session, project, text, write } = await company("application unfenced");
  await write(
    "src/calls.ts",
    `import { supabase } from "./client";\nexport const load = () => supabase.from("calls").select("*");\nexport const drop = () => supabase.from("leads").delete().eq("id", 1);\n`,
  );
  const run = await project.tenantry(...day3);
  expect(run.code).toBe(3);
  expect(run.stderr).toContain(
    "src/calls.ts:2 unfenced-query: organizationId is not in scope here",
  );
  expect(run.stderr).toContain("src/calls.ts:3 unfenced-query");
  expect(await text()).toBe(leads);
  expect(await contracted(session)).toBe(false);
  expect((await project.tenantry("status", "--json")).stdout).not.toContain(`"running"`);
});

test("Day 3 does not hold any more where a query without an organization was added since", {
  timeout: testTimeout,
}, async () => {
  const { project, write } = await company("application drifts");
  expectDone(await project.tenantry(...day3));
  await write(
    "src/calls.ts",
    `import { supabase } from "./client";\nexport const load = () => supabase.from("calls").select("*");\n`,
  );
  const verified = await project.tenantry("--stage", "day3", "--verify");
  expect(verified.code).toBe(3);
  expect(verified.stdout + verified.stderr).toContain("src/calls.ts:2 unfenced-query");
});
