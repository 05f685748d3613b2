import { createServer } from "node:net";
import { execa } from "execa";
import { expect, test } from "vitest";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { sql } from "../../src/postgres/sql.ts";
import { program } from "../setup/built-program.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const nowhere = "postgresql://nobody:secret-word@127.0.0.1:1/none";

test("wrong usage is exit code 2, and says what there is", async () => {
  const project = await makeProject(nowhere, smallCompany);
  for (const args of [
    ["--stage", "day4", "--verify"],
    ["--verify"],
    ["rnu"],
    ["run", "--stage", "day9", "--yes"],
    ["run", "--no-such-option"],
    ["rollback", "--all", "--stage", "day1"],
    ["demo", "--rows", "many"],
    ["status", "--url", "no url"],
    ["status", "--config", "missing.json"],
  ]) {
    const outcome = await project.tenantry(...args);
    expect([args, outcome.code]).toEqual([args, 2]);
    expect(outcome.stderr).toMatch(/next:|--help/);
    expect(outcome.stderr).not.toContain("    at ");
  }
});

test("a server that is not there is exit code 1, and no password is shown", async () => {
  const project = await makeProject(nowhere, smallCompany);
  const outcome = await project.tenantry("status");
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toContain("nobody@127.0.0.1:1/none: no connection");
  expect(outcome.stderr).not.toContain("secret-word");
});

test("a server that hangs is given up", { timeout: 30_000 }, async () => {
  const server = createServer(() => undefined).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const project = await makeProject(`postgresql://nobody@127.0.0.1:${port}/none`, smallCompany);
  const outcome = await project.tenantry("status");
  server.close();
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toContain("no connection");
});

test("without a terminal nothing is run unless --yes says so", async () => {
  const { session, url } = await createDatabase("no terminal");
  await makeSmallCompany(session, 100);
  const before = (await readSnapshot(session)).fingerprint.digest;
  const project = await makeProject(url, smallCompany);
  const outcome = await project.tenantry("run");
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toContain("run it again with --yes");
  expect((await readSnapshot(session)).fingerprint.digest).toBe(before);
});

test("a configuration that does not fit the database is refused with all of its faults", async () => {
  const { session, url } = await createDatabase("misfit");
  await makeSmallCompany(session, 100);
  const project = await makeProject(url, {
    ...smallCompany,
    day1: { tables: { lead: "default", calls: { via: "led_id" }, leads: { via: "phone" } } },
    day2: { tables: {} },
    roles: { signedIn: "small_company_ap" },
  });
  const outcome = await project.tenantry("run", "--yes");
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toContain(
    "day1.tables.lead: no such table in the database → did you mean leads?",
  );
  expect(outcome.stderr).toContain("calls: has no column led_id → did you mean lead_id?");
  expect(outcome.stderr).toContain("leads: has no foreign key on the single column phone");
  expect(outcome.stderr).toContain(
    "the role small_company_ap does not exist → did you mean small_company_app?",
  );
  expect(outcome.stderr).toContain("settings: is not named in the configuration");
});

test("day2 before day1, and a stage that is applied, are refused", async () => {
  const { session, url } = await createDatabase("out of order");
  await makeSmallCompany(session, 100);
  const project = await makeProject(url, smallCompany);
  const early = await project.tenantry("run", "--stage", "day2", "--yes");
  expect(early.code).toBe(2);
  expect(early.stderr).toContain("next: tenantry run --stage day1");
  expect(await project.tenantry("rollback", "--yes")).toMatchObject({ code: 2 });
  await project.tenantry("run", "--stage", "day1", "--yes");
  const again = await project.tenantry("run", "--stage", "day1", "--yes");
  expect(again.code).toBe(2);
  expect(again.stderr).toContain("is applied already");
});

test("a journal of another version, or half of one, is refused and left as it is", async () => {
  const { session, url } = await createDatabase("another journal");
  await makeSmallCompany(session, 100);
  const project = await makeProject(url, smallCompany);
  await project.tenantry("run", "--stage", "day1", "--yes");
  await session.execute(sql`UPDATE tenantry.journal SET version = 99`);
  const newer = await project.tenantry("status");
  expect(newer.code).toBe(1);
  expect(newer.stderr).toContain("is of version 99");
  await session.execute(sql`DROP TABLE tenantry.step`);
  const half = await project.tenantry("run", "--yes");
  expect(half.code).toBe(1);
  expect(half.stderr).toContain("lacks its table step");
});

test("rows that nobody can attribute fail the stage by name, and it undoes itself", async () => {
  const { session, url } = await createDatabase("unattributed");
  await makeSmallCompany(session, 100);
  await session.execute(sql`ALTER TABLE leads ALTER COLUMN person_id DROP NOT NULL`);
  await session.execute(sql`UPDATE leads SET person_id = NULL WHERE id = 7`);
  const before = (await readSnapshot(session)).fingerprint.digest;
  const project = await makeProject(url, smallCompany);
  const failed = await project.tenantry("run", "--yes");
  expect(failed.code).toBe(3);
  expect(failed.stderr).toContain("every row of leads has an organization");
  expect(failed.stderr).toContain("day1 was rolled back");
  expect((await readSnapshot(session)).fingerprint.digest).toBe(before);

  await project.configure({
    ...smallCompany,
    day1: {
      tables: {
        leads: { user: "person_id", unattributed: "default" },
        calls: { via: "lead_id" },
      },
    },
  });
  expect(await project.tenantry("run", "--yes")).toMatchObject({ code: 0 });
});

test("without a backup there is no stage", async () => {
  const { session, url } = await createDatabase("no backup");
  await makeSmallCompany(session, 100);
  const before = (await readSnapshot(session)).fingerprint.digest;
  const project = await makeProject(url, {
    ...smallCompany,
    backups: { folder: "tenantry.config.json" },
  });
  const outcome = await project.tenantry("run", "--yes");
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toContain("BACKUP_FAILED");
  expect((await readSnapshot(session)).fingerprint.digest).toBe(before);
  expect((await project.tenantry("status")).stdout).not.toContain("running");
});

test("--json is one JSON value a line, errors too", async () => {
  const { session, url } = await createDatabase("json");
  await makeSmallCompany(session, 100);
  const project = await makeProject(url, smallCompany);
  const outcome = await project.tenantry("run", "--stage", "day1", "--yes", "--json");
  const events = outcome.stdout.split("\n").map((line) => JSON.parse(line));
  expect(events[0]).toMatchObject({ kind: "stage-started", stage: "day1" });
  expect(events.at(-1)).toMatchObject({ kind: "stage-applied", stage: "day1" });
  const refused = await project.tenantry("run", "--stage", "day3", "--yes", "--json");
  expect(JSON.parse(refused.stdout)).toMatchObject({ kind: "error", code: "STAGE_OUT_OF_ORDER" });
});

test("a reader that has seen enough is no error", async () => {
  const command = `${process.execPath} ${program} explain | true`;
  const { exitCode, stderr } = await execa("bash", ["-c", `set -o pipefail; ${command}`], {
    reject: false,
  });
  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
});
