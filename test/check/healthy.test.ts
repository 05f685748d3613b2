import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { dumpsOwnOptions } from "../../src/backup/programs/client-programs.ts";
import { checks } from "../../src/check/index.ts";
import { faultFindings } from "../../src/check/server/server-faults.ts";
import { versionFindings } from "../../src/check/server/server-version.ts";
import { showFindings } from "../../src/report/terminal/findings.ts";
import { makeProject } from "../setup/project.ts";
import { smallCompany } from "../setup/small-company.ts";
import { company, execute, findings, look } from "./server.ts";

test("a healthy company has nothing in the way, and is told no more than what is true", async () => {
  const { url } = await company("healthy");
  // Whether the server itself has been updated is no matter of the company's.
  const found = (await look({ url })).filter(({ id }) => id !== "server-faults");
  expect(found.map(({ id, severity }) => [id, severity])).toEqual([
    ["server-growth", "advisory"],
    ["repository", "advisory"],
  ]);
  expect(found[0]?.fact).toMatch(/^may grow by .* kB, with .* kB of write-ahead log$/);
});

test("tenantry check is exit 0 where nothing blocks, and 1 with all that does", async () => {
  const { url, session } = await company("command");
  const project = await makeProject(url, smallCompany);
  const healthy = await project.tenantry("check");
  expect(healthy).toMatchObject({ code: 0, stderr: "" });
  expect(healthy.stdout).toMatch(/ 0 blocking, \d+ advisory; nothing was changed/);
  await execute(session, "ALTER ROLE small_company_app BYPASSRLS", "CREATE SCHEMA tenancy");
  const blocked = await project.tenantry("check");
  expect(blocked.code).toBe(1);
  expect(blocked.stdout).toMatch(/application-roles.*configuration.*server-growth/s);
  expect(blocked.stderr).toContain("2 blocking findings  PREFLIGHT_FAILED");
  expect(blocked.stderr).toContain("now:  nothing was changed");
  const json = await project.tenantry("check", "--json", "--stage", "day2");
  const [shown, error] = json.stdout.split("\n").map((line) => JSON.parse(line));
  expect(shown).toMatchObject({ kind: "check", asked: checks.length });
  expect(shown.findings[0]).toMatchObject({
    id: "application-roles",
    severity: "blocking",
    object: "small_company_app",
    fact: "has BYPASSRLS",
    fix: 'ALTER ROLE "small_company_app" NOBYPASSRLS',
  });
  // Only Day 1 makes the schema.
  expect(error).toMatchObject({ code: "PREFLIGHT_FAILED", details: [expect.any(String)] });
  await execute(session, "ALTER ROLE small_company_app NOBYPASSRLS");
});

test("what is found fits terminals of 40 to 200 columns", async () => {
  const { url, session } = await company("terminal");
  await execute(session, "CREATE SCHEMA tenancy");
  const found = await look({ url });
  for (const columns of [40, 80, 200]) {
    const shown = showFindings(found, columns);
    // In CI there are colours.
    const lines = stripVTControlCharacters(shown).split("\n");
    // What fixes something is one line, which can be copied; a path is one word.
    const long = lines.filter((line) => line.length > columns && !/^ *→|^ *\S+$/.test(line));
    expect(long).toEqual([]);
    expect(lines[0]).toMatch(/^✘ blocking: the configuration against\b/);
  }
});

test("a check that cannot be asked says so, and the others are asked all the same", async () => {
  const { url } = await company("unasked");
  const [broken] = checks.filter(({ id }) => id === "standby");
  if (broken === undefined) throw new Error("no check standby");
  const failing = (text: string, stops: typeof broken.stops) => ({
    ...broken,
    id: text.slice(0, 20),
    stops,
    find: async ({ queries }: Parameters<typeof broken.find>[0]) => {
      await queries.execute({ parts: [text], values: [] });
      return [];
    },
  });
  const found = await look(
    { url },
    {
      only: [
        failing("SELECT 1 / 0", []),
        failing("SELECT pg_sleep(20)", []),
        failing("CREATE TABLE it_wrote (id int)", ["run"]),
        ...checks.filter(({ id }) => id === "server-growth"),
      ],
    },
  );
  expect(found.map(({ severity, fact, fix }) => [severity, fact, fix])).toEqual([
    [
      "blocking",
      "could not be checked: cannot execute CREATE TABLE in a read-only transaction",
      "fix the problem in the message, then run tenantry check again",
    ],
    ["advisory", "could not be checked: division by zero", expect.any(String)],
    [
      "advisory",
      "could not be checked: canceling statement due to statement timeout",
      expect.stringContaining("less busy"),
    ],
    ["advisory", expect.stringContaining("may grow"), expect.any(String)],
  ]);
});

test("known faults of a version are said with their source, and so is the end of its support", () => {
  const say = (found: ReturnType<typeof faultFindings>) =>
    found.map(({ severity, what, fix }) => `${severity} ${what.object}: ${what.fact} → ${fix}`);
  expect(say(faultFindings(140_003))[0]).toMatch(
    /^blocking PostgreSQL 14\.3: CREATE INDEX .* \(https:.*14\.4\/\) → update the server to 14\.4 or later$/,
  );
  expect(faultFindings(140_004).filter(({ severity }) => severity === "blocking")).toEqual([]);
  const roles = expect.stringContaining("SET role is not applied");
  expect(say(faultFindings(170_001))).toContainEqual(roles);
  expect(say(faultFindings(170_002))).not.toContainEqual(roles);
  expect(say(versionFindings(130_011, new Date("2026-11-13")))).toEqual([
    "blocking PostgreSQL 13.11: is older than 14 → upgrade the server to PostgreSQL 14 or later",
  ]);
  expect(versionFindings(140_030, new Date("2026-11-11"))).toEqual([]);
  expect(say(versionFindings(140_030, new Date("2026-11-13")))).toEqual([
    expect.stringContaining(
      "advisory PostgreSQL 14.30: is not supported by PostgreSQL since 2026-11-12",
    ),
  ]);
});

test.each([
  [150_018, 150_019, 150_020],
  [140_023, 140_024, 140_025],
  [180_004, 180_005, 180_006],
])(
  "cached plans that outlive a change of roles, and policies that are passed by, are faults of %i",
  (may, august, november) => {
    const faults = (version: number) =>
      faultFindings(version).map(({ severity, what }) => `${severity} ${what.fact}`);
    const cached =
      /^advisory a cached plan keeps .* \(CVE-2026-14666\) \(https:.*CVE-2026-14666\/\)$/;
    expect(faults(may)).toContainEqual(expect.stringMatching(cached));
    expect(faults(august)).not.toContainEqual(expect.stringMatching(cached));
    expect(faults(august)).toContainEqual(expect.stringContaining("CVE-2026-120154"));
    expect(faults(november)).toEqual([]);
  },
);

test("a pg_dump that is older than the options that a server keeps for itself is found", () => {
  const dumps = (version: string, server: number) =>
    dumpsOwnOptions({ version, major: Number.parseInt(version, 10) }, server);
  expect(dumps("15.18", 150_020)).toBe(true);
  expect(dumps("16.15", 150_020)).toBe(true);
  expect(dumps("18.6", 190_000)).toBe(false);
  expect(dumps("15.20", 150_020)).toBe(false);
  expect(dumps("15.18", 150_019)).toBe(false);
  expect(dumps("19.0", 150_020)).toBe(false);
});

test("the documentation has every check", async () => {
  const text = await readFile(path.join(import.meta.dirname, "../../docs/check.md"), "utf8");
  const rows = checks.map(
    ({ id, title, why, stops }) => `| \`${id}\` | ${title} | ${why} | ${stops.join(", ")} |`,
  );
  expect(rows.filter((row) => !text.includes(row))).toEqual([]);
  expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length);
});

test("files of the application that are not committed are counted", async () => {
  const { url } = await company("repository");
  const project = await makeProject(url, smallCompany);
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], {
      cwd: project.folder,
    });
  git("init", "--quiet");
  writeFileSync(path.join(project.folder, "application.ts"), "");
  git("add", "application.ts");
  git("commit", "--quiet", "--message", "the application");
  const asked = { folder: project.folder };
  expect(await findings("repository", { url }, asked)).toMatchObject([
    { severity: "advisory", says: expect.stringContaining("1 uncommitted file") },
  ]);
  git("add", ".");
  git("commit", "--quiet", "--message", "its configuration");
  expect(await findings("repository", { url }, asked)).toEqual([]);
  const required = { ...smallCompany, git: { required: true } };
  expect(await findings("repository", { url }, { config: required })).toMatchObject([
    { severity: "blocking", says: expect.stringContaining("a tag is required") },
  ]);
});
