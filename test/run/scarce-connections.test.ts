import { readdir } from "node:fs/promises";
import path from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, raw, sql } from "../../src/postgres/sql.ts";
import { createDatabase, type TestDatabase } from "../setup/database.ts";
import { expectNothingLeft, watch } from "../setup/exits.ts";
import { serverOf } from "../setup/majors.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

// Each command is run once for every number of sessions, and a busy machine is no failure.
vi.setConfig({ testTimeout: 1_800_000 });

/** A server for this file alone: roles and their limits are the whole server's. */
const ownServer = () => serverOf(15);

type Place = {
  readonly database: TestDatabase;
  readonly project: Project;
  readonly role: string;
  /** As the role, which is no superuser: a limit binds none. */
  readonly url: string;
  limit(connections: number): Promise<void>;
};

/** A small company that a role owns, which may have only so many sessions. */
async function placeOf(name: string, config = smallCompany): Promise<Place> {
  const database = await createDatabase(name, (await ownServer()).url);
  await makeSmallCompany(database.session, 300);
  const role = `limited_${name.replaceAll(/\W/g, "_")}`;
  const { session } = database;
  await execute(
    session,
    `CREATE ROLE ${role} LOGIN CREATEDB CREATEROLE BYPASSRLS`,
    `GRANT small_company_app TO ${role}`,
    `GRANT pg_monitor TO ${role}`,
    `ALTER DATABASE ${database.name} OWNER TO ${role}`,
    `ALTER SCHEMA public OWNER TO ${role}`,
    ...["person", "leads", "calls", "settings"].map(
      (table) => `ALTER TABLE ${table} OWNER TO ${role}`,
    ),
  );
  const url = new URL(database.url);
  url.username = role;
  const project = await makeProject(url.href, config);
  return {
    database,
    project,
    role,
    url: url.href,
    limit: (connections) => limit(session, role, connections),
  };
}

async function execute(session: Session, ...statements: readonly string[]): Promise<void> {
  for (const text of statements) await session.execute({ parts: [text], values: [] });
}

async function limit(session: Session, role: string, connections: number): Promise<void> {
  await session.execute(
    sql`ALTER ROLE ${ident(role)} CONNECTION LIMIT ${raw(String(connections))}`,
  );
}

/** More sessions than any command has. */
const most = 16;

/**
 * Runs a command with one session allowed, then two, until it succeeds. Each time before, it ends by
 * itself with an error that names the limit, and leaves nothing behind.
 * @returns how many sessions it took
 */
async function sessionsFor(place: Place, ...args: readonly string[]): Promise<number> {
  for (let allowed = 0; allowed <= most; allowed += 1) {
    await place.limit(allowed);
    const watched = watch(place.project, place.url, ...args);
    const outcome = await watched.ended;
    await expectNothingLeft(place.database.session, watched);
    if (outcome.code === 0) return allowed;
    expect([allowed, outcome]).toEqual([
      allowed,
      { code: 1, stdout: expect.anything(), stderr: expect.any(String) },
    ]);
    expect(outcome.stderr).toContain(`too many connections for role "${place.role}"`);
    expect(outcome.stderr).toMatch(/^ {2}now: {2}\S/m);
    expect(outcome.stderr).toMatch(/^ {2}next: .*CONNECTION LIMIT/m);
    expect(outcome.stderr).not.toMatch(/INTERNAL|^ {4}at /m);
  }
  throw new Error(`${args.join(" ")} did not succeed with ${most} sessions`);
}

test("run and rollback end with an error that names the limit, for every number of sessions that is too small", async () => {
  const place = await placeOf("run");
  expect(await sessionsFor(place, "run", "--yes", "--stage", "day1")).toBeGreaterThan(3);
  expect(await sessionsFor(place, "--stage", "day1", "--verify")).toBeGreaterThan(0);
  expect(await sessionsFor(place, "rollback", "--yes")).toBeGreaterThan(2);
});

test("backup and restore end so too", async () => {
  const place = await placeOf("restore");
  expect(await sessionsFor(place, "backup")).toBeGreaterThan(1);
  const backups = path.join(place.project.folder, "backups");
  const [made] = (await readdir(backups)).filter((name) => !name.startsWith("."));
  const folder = path.join(backups, made ?? "");
  const into = new URL(place.url);
  into.pathname = "/restored_beside";
  expect(await sessionsFor(place, "restore", folder, "--into", into.href)).toBeGreaterThan(1);
  await execute(place.database.session, "DROP DATABASE restored_beside");
  const { name } = place.database;
  // Who is connected as a superuser, the role could not disconnect.
  await place.database.session.close();
  const session = await openSession({ url: (await ownServer()).url }, "tenantry tests");
  onTestFinished(() => session.close());
  const again = {
    ...place,
    database: { ...place.database, session },
    limit: (connections: number) => limit(session, place.role, connections),
  };
  expect(
    await sessionsFor(again, "restore", folder, "--in-place", "--confirm", name),
  ).toBeGreaterThan(2);
});

test("rehearse ends so too", async () => {
  const place = await placeOf("rehearse");
  expect(await sessionsFor(place, "rehearse", "--yes", "--stage", "day1")).toBeGreaterThan(1);
  expect(
    await sessionsFor(place, "rehearse", "--yes", "--stage", "day1", "--sample", "50"),
  ).toBeGreaterThan(1);
});

test("a further session that is refused while a stage runs costs speed, and not the stage", async () => {
  const place = await placeOf("beside", {
    ...smallCompany,
    backups: { jobs: 1 },
    online: { ...smallCompany.online, tablesAtOnce: 10 },
  });
  // Enough for the backup, and not for ten tables at once.
  await place.limit(8);
  const watched = watch(place.project, place.url, "run", "--yes", "--stage", "day1");
  const outcome = await watched.ended;
  await expectNothingLeft(place.database.session, watched);
  expect([outcome.stderr, outcome.code]).toEqual([
    expect.stringMatching(/going on with \d tables? at a time, not 10/),
    0,
  ]);
});
