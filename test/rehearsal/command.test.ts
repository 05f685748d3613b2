import { existsSync } from "node:fs";
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { expect, inject, onTestFinished, test } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

/** Its temporary folders are its own: others rehearse on this machine, too. */
async function company(name: string) {
  const database = await createDatabase(name);
  await makeSmallCompany(database.session, 600);
  const folder = await mkdtemp(path.join(tmpdir(), "tenantry-rehearsal-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  // A server runs as another user than root.
  await chmod(folder, 0o777);
  const project = await makeProject({ DATABASE_URL: database.url, TMPDIR: folder }, smallCompany);
  return { ...database, project, folder };
}

/** The tests' server by its socket, or by its address where its socket is on another machine. */
async function throughSocket(session: Session): Promise<string> {
  const server = new URL(inject("databaseUrl"));
  const [socket] = await session.rows(
    sql`
      SELECT split_part(current_setting('unix_socket_directories'), ',', 1) AS folder,
             current_setting('port') AS port
    `,
    z.object({ folder: z.string(), port: z.string() }),
  );
  if (socket === undefined || !existsSync(path.join(socket.folder, `.s.PGSQL.${socket.port}`))) {
    return server.href;
  }
  const { username, password } = server;
  const host = encodeURIComponent(socket.folder);
  return `postgresql://${username}:${password}@/postgres?host=${host}&port=${socket.port}`;
}

/** Temporary folders and servers that are there now. */
async function temporary(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => /^tenantry-(temporary|server)-/.test(name));
}

test("a stage that fails in its rehearsal is not started, unless told so, or fixed", async () => {
  const { session, project } = await company("rehearsal fails");
  const { fingerprint } = await readSnapshot(session);
  // Nobody's lead: the membership tells no organization.
  await session.execute(sql`ALTER TABLE leads ALTER COLUMN person_id DROP NOT NULL`);
  await session.execute(sql`INSERT INTO leads (phone) VALUES ('of nobody')`);
  const before = await readSnapshot(session);
  const rehearsed = await project.tenantry("rehearse", "--stage", "day1");
  expect(rehearsed).toMatchObject({ code: 1 });
  expect(rehearsed.stderr).toContain("leads without organization");
  expect((await readSnapshot(session)).fingerprint.digest).toBe(before.fingerprint.digest);
  const journal = sql`SELECT to_regnamespace('tenantry') IS NULL AS none`;
  expect(await session.rows(journal, z.unknown())).toEqual([{ none: true }]);

  const refused = await project.tenantry("run", "--yes", "--stage", "day1");
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain("failed in its rehearsal");
  const told = await project.tenantry("run", "--yes", "--stage", "day1", "--despite-rehearsal");
  expect(told).toMatchObject({ code: 3 });

  await session.execute(sql`DELETE FROM leads WHERE phone = 'of nobody'`);
  await session.execute(sql`ALTER TABLE leads ALTER COLUMN person_id SET NOT NULL`);
  expect((await readSnapshot(session)).fingerprint.digest).toBe(fingerprint.digest);
  const scratch = ["--scratch", await throughSocket(session)];
  const rehearse = ["rehearse", "--stage", "day1", "--sample", "50", ...scratch];
  expect(await project.tenantry(...rehearse)).toMatchObject({ code: 0 });
  expect(await project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({ code: 0 });
}, 120_000);

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  test(`${signal} in a rehearsal leaves nothing of it, and nothing in the database`, async () => {
    const { session, project, folder } = await company(`rehearsal ${signal}`);
    const { fingerprint } = await readSnapshot(session);
    const started = project.start("rehearse");
    const ours = () => temporary(folder);
    // The scratch server is up: the copy is made, or the stages run on it.
    await expect
      .poll(async () => (await ours()).some((name) => name.startsWith("tenantry-server-")), {
        timeout: 30_000,
      })
      .toBe(true);
    const made = await ours();
    started.kill(signal);
    const { code, stderr } = await started.ended;
    expect(code).toBe(signal === "SIGKILL" ? -1 : 130);
    if (signal === "SIGINT") expect(stderr).toContain("it was a copy, which is removed");
    await expect
      .poll(async () => (await ours()).filter((name) => made.includes(name)), {
        timeout: 20_000,
      })
      .toEqual([]);
    expect((await readSnapshot(session)).fingerprint.digest).toBe(fingerprint.digest);
    expect(await readdir(path.join(project.folder))).not.toContain("backups");
  });
}

test("a backup that is encrypted is rehearsed on with its identity, and one of another database never", async () => {
  const { project } = await company("rehearsal encrypted");
  const identity = await generateIdentity();
  const recipients = [await identityToRecipient(identity)];
  await project.configure({ ...smallCompany, backups: { recipients } });
  const saved = await project.tenantry("backup");
  expect(saved.code, saved.stderr).toBe(0);
  const backups = path.join(project.folder, "backups");
  const [made = ""] = (await readdir(backups)).filter((name) => /Z$/.test(name));
  const backup = path.join(backups, made);
  const keys = path.join(project.folder, "identity");
  await writeFile(keys, identity, { mode: 0o600 });

  const locked = await project.tenantry("rehearse", "--backup", backup);
  expect(locked).toMatchObject({ code: 1, stderr: expect.stringContaining("is encrypted") });
  const opened = ["rehearse", "--stage", "day1", "--backup", backup, "--identity", keys];
  expect(await project.tenantry(...opened)).toMatchObject({ code: 0 });
  // Without --backup, its own backup is encrypted for a key that nobody has to give.
  expect(await project.tenantry("rehearse", "--stage", "day1")).toMatchObject({ code: 0 });

  const other = await company("rehearsal of another");
  expect(await other.project.tenantry(...opened)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("is of database"),
  });
});

test("a rehearsal that somebody has cut off is named, and nothing is started on it", async () => {
  const { project } = await company("rehearsal cut off");
  await project.tenantry("rehearse", "--stage", "day1");
  const backups = path.join(project.folder, "backups");
  const [kept = ""] = (await readdir(backups)).filter((name) => name.startsWith("rehearsal-"));
  const file = path.join(backups, kept);
  const content = await readFile(file, "utf8");
  await writeFile(file, content.slice(0, content.length / 2));
  const refused = await project.tenantry("run", "--yes", "--stage", "day1");
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(kept) });
  expect((await readdir(backups)).filter((name) => name.startsWith("day1-"))).toEqual([]);
});

test("a rehearsal whose copy cannot be reached any more fails, and leaves nothing", async () => {
  const { session, project, folder } = await company("rehearsal loses");
  const { fingerprint } = await readSnapshot(session);
  const started = project.start("rehearse");
  const ours = () => temporary(folder);
  await expect
    .poll(async () => (await ours()).find((name) => name.startsWith("tenantry-server-")), {
      timeout: 30_000,
    })
    .toBeDefined();
  const server = (await ours()).find((name) => name.startsWith("tenantry-server-")) ?? "";
  const data = path.join(folder, server, "data");
  // The copy's own database beside PostgreSQL's three: the server is in use.
  const databases = async () =>
    existsSync(path.join(data, "base")) ? (await readdir(path.join(data, "base"))).length : 0;
  await expect.poll(databases, { timeout: 20_000 }).toBeGreaterThan(3);
  const [pid = ""] = (await readFile(path.join(data, "postmaster.pid"), "utf8")).split("\n");
  process.kill(Number(pid), "SIGQUIT");
  const { code, stderr } = await started.ended;
  expect(code).not.toBe(0);
  expect(stderr).not.toContain("    at ");
  await expect.poll(ours, { timeout: 20_000 }).toEqual([]);
  expect((await readSnapshot(session)).fingerprint.digest).toBe(fingerprint.digest);
});
