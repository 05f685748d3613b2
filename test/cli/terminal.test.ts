import { expect, test } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { keys, openTerminal } from "../setup/terminal.ts";

async function company(name: string, leads = 600) {
  const database = await createDatabase(name);
  await makeSmallCompany(database.session, leads);
  const project = await makeProject(database.url, smallCompany);
  return {
    ...database,
    project,
    terminal: (...args: string[]) => openTerminal(project, database.url, ...args),
  };
}

async function stateOf(session: Session, stage: string): Promise<string | undefined> {
  const runs = await session.rows(
    sql`SELECT state FROM tenantry.run WHERE stage = ${stage} ORDER BY id`,
    z.object({ state: z.string() }),
  );
  return runs.at(-1)?.state;
}

test("a stage is shown, confirmed and run to its end, with its verification", async () => {
  const { session, terminal } = await company("terminal to the end");
  const { sees, press, ended } = terminal("run", "--stage", "day1");
  const screen = await sees("Run day1 on");
  expect(screen).toMatch(/table +steps +rows +size +strongest lock/);
  expect(screen).toMatch(/leads +7 /);
  expect(screen).toContain("way out");
  press("y", keys.enter);
  const { code, stdout } = await ended;
  expect(code, stdout).toBe(0);
  expect(stdout).toContain("day1: applied and verified");
  expect(await stateOf(session, "day1")).toBe("applied");
});

test("whoever says no, or presses Ctrl-C at a question, has changed nothing", async () => {
  const { session, terminal } = await company("terminal says no");
  const { fingerprint } = await readSnapshot(session);
  const no = terminal("run", "--stage", "day1");
  await no.sees("Run day1 on");
  no.press("n", keys.enter);
  expect((await no.ended).code).toBe(2);
  const interrupted = terminal("run", "--stage", "day1");
  await interrupted.sees("Run day1 on");
  interrupted.press(keys.interrupt);
  const { code, stdout } = await interrupted.ended;
  expect(code).toBe(130);
  expect(stdout).toContain("nothing was begun that was not confirmed");
  expect(stdout).not.toContain("ExitPromptError");
  expect((await readSnapshot(session)).fingerprint.digest).toBe(fingerprint.digest);
});

/** Rows of nobody: the backfill cannot attribute them, and its verification fails. */
async function spoil(session: Session): Promise<void> {
  await session.execute(sql`INSERT INTO person VALUES (99, 'nobody')`);
  await session.execute(sql`INSERT INTO leads (person_id, phone) VALUES (99, 'spoilt')`);
}

const unattributable = {
  ...smallCompany,
  day1: {
    tables: {
      leads: {
        sql: "(SELECT m.organization_id FROM organization_users m WHERE m.user_id = record.person_id AND record.person_id < 99)",
      },
      calls: { via: "lead_id" },
    },
  },
};

test("a stage that failed is retried from the step that failed, once its cause is fixed", async () => {
  const { session, project, terminal } = await company("terminal retries");
  await project.configure(unattributable);
  await spoil(session);
  const { sees, press, ended } = terminal("run", "--stage", "day1");
  await sees("Run day1 on");
  press("y", keys.enter);
  await sees("day1 failed. What now?");
  await session.execute(sql`DELETE FROM leads WHERE phone = 'spoilt'`);
  press(keys.enter);
  const { code, stdout } = await ended;
  expect(code, stdout).toBe(0);
  expect(await stateOf(session, "day1")).toBe("applied");
});

test("a stage that failed is rolled back to where it started, when that is chosen", async () => {
  const { session, project, terminal } = await company("terminal rolls back");
  await project.configure(unattributable);
  await spoil(session);
  const { fingerprint } = await readSnapshot(session);
  const { sees, press, ended } = terminal("run", "--stage", "day1");
  await sees("Run day1 on");
  press("y", keys.enter);
  await sees("day1 failed. What now?");
  press(keys.down, keys.enter);
  const { code, stdout } = await ended;
  expect(code, stdout).toBe(3);
  expect(stdout).toContain("day1 was rolled back; the schema is as it was before it");
  expect((await readSnapshot(session)).fingerprint.digest).toBe(fingerprint.digest);
});

test("a stage that failed keeps its checkpoints, when that is chosen", async () => {
  const { session, project, terminal } = await company("terminal keeps");
  await project.configure(unattributable);
  await spoil(session);
  const { sees, press, ended } = terminal("run", "--stage", "day1");
  await sees("Run day1 on");
  press("y", keys.enter);
  await sees("day1 failed. What now?");
  press(keys.down, keys.down, keys.enter);
  expect((await ended).code).toBe(3);
  expect(await stateOf(session, "day1")).toBe("running");
  await session.execute(sql`DELETE FROM leads WHERE phone = 'spoilt'`);
  expect(await project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({ code: 0 });
});

test("Ctrl-C once stops after the statement under way, twice cancels it; run goes on from there", async () => {
  const { session, url, project, terminal } = await company("terminal interrupted", 3000);
  const blocker = await openSession({ url });
  await blocker.transaction(async (queries) => {
    await queries.execute(sql`SELECT count(*) FROM settings`);
    const { sees, press, ended } = terminal("run", "--stage", "day1");
    await sees("Run day1 on");
    press("y", keys.enter);
    // The concurrent build waits for this transaction.
    await sees(/process \d+/);
    press(keys.interrupt);
    await sees("Ctrl-C cancels it");
    press(keys.interrupt);
    const { code, stdout } = await ended;
    expect(code, stdout).toBe(130);
    expect(stdout).toContain("run tenantry run again to continue");
  }, "read only snapshot");
  await blocker.close();
  expect(await stateOf(session, "day1")).toBe("running");
  const again = terminal("run");
  await again.sees("Run day1");
  again.press("y", keys.enter);
  const { code, stdout } = await again.ended;
  expect(code, stdout).toBe(0);
  expect(await stateOf(session, "day3")).toBe("applied");
  expect(await project.tenantry("rollback", "--all", "--yes")).toMatchObject({ code: 0 });
});

test("tenantry alone says where things stand, and does from there what is chosen", async () => {
  const { session, name, terminal } = await company("terminal home");
  const { sees, press, ended } = terminal();
  const screen = await sees("navigate");
  expect(screen).toContain(`/${name}: PostgreSQL `);
  expect(screen).toContain("day1   not applied");
  expect(screen).toMatch(/checks: 0 blocking, \d advisory \(.*server-growth/);
  press(keys.enter);
  await sees(/\d+ checks of[\s\S]*navigate/);
  press(keys.down, keys.enter);
  // The menu itself is drawn again at every key.
  await sees(/day1\/leads\/backfill[\s\S]*navigate/);
  press(keys.down, keys.down, keys.down, keys.enter);
  await sees("Run day1 on");
  press("y", keys.enter);
  await sees("day1: applied and verified");
  await sees(/day1 +applied[\s\S]*navigate/);
  press(keys.down, keys.down, keys.down, keys.down, keys.enter);
  await sees("claims hold");
  press(keys.interrupt);
  expect((await ended).code).toBe(130);
  expect(await stateOf(session, "day1")).toBe("applied");
});
