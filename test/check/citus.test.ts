import { chmod, cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { chooseForDemo } from "../../src/backup/programs/pg-dump.ts";
import { openSession } from "../../src/postgres/connection.ts";
import { findServerBinaries } from "../../src/scratch/binaries.ts";
import { type Server, startServer } from "../../src/scratch/server.ts";
import { createDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { execute, findings } from "./server.ts";

/** What of Citus is asked: its name among the extensions, and its catalog, made as Citus makes it. */
const script = `
CREATE SCHEMA citus;
CREATE TABLE citus.pg_dist_partition (
  logicalrelid regclass NOT NULL,
  partmethod "char" NOT NULL,
  partkey text,
  colocationid integer DEFAULT 0 NOT NULL,
  repmodel "char" DEFAULT 'c' NOT NULL
);
ALTER TABLE citus.pg_dist_partition SET SCHEMA pg_catalog;
GRANT SELECT ON pg_catalog.pg_dist_partition TO public;
`;

const control = `comment = 'stands in for Citus'
default_version = '13.2-1'
relocatable = false
schema = pg_catalog
`;

let folder: string;
let server: Server;

beforeAll(async () => {
  const { pgDump } = await chooseForDemo();
  const embedded = await findServerBinaries({ origin: "embedded" });
  // One that can be backed up here.
  const binaries = embedded.find(({ major }) => major <= pgDump.major);
  if (binaries?.origin !== "embedded") throw new Error("no embedded server to put an extension in");
  folder = await mkdtemp(path.join(tmpdir(), "tenantry-citus-"));
  await chmod(folder, 0o755);
  const native = path.join(folder, "native");
  await cp(path.join(binaries.package, "native"), native, {
    recursive: true,
    verbatimSymlinks: true,
  });
  const extensions = path.join(native, "share", "postgresql", "extension");
  await writeFile(path.join(extensions, "citus.control"), control);
  await writeFile(path.join(extensions, "citus--13.2-1.sql"), script);
  server = await startServer({ binaries: { ...binaries, package: folder } });
});
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function company(name: string): Promise<TestDatabase> {
  const database = await createDatabase(name, server.url);
  await makeSmallCompany(database.session, 100);
  return database;
}

const distribute = `
  INSERT INTO pg_dist_partition (logicalrelid, partmethod, partkey)
  VALUES ('public.leads', 'h', 'column'), ('public.settings', 'n', NULL)
`;

test("Citus that is only available, or that is called so by a schema, is no finding", async () => {
  const { url, session } = await company("citus available");
  await execute(session, "CREATE SCHEMA citus", "CREATE TABLE citus.pg_dist_partition (id int)");
  expect(await findings("citus", { url })).toEqual([]);
});

test("where Citus is installed the check blocks, run is refused, and nothing was changed", async () => {
  const { url, session } = await company("citus installed");
  await execute(session, "CREATE EXTENSION citus");
  const [found, ...others] = await findings("citus", { url });
  expect(others).toEqual([]);
  expect(found?.severity).toBe("blocking");
  expect(found?.says).toMatch(
    /^the extension citus 13\.2-1: is installed in citus_installed_\w+; no table is distributed yet$/,
  );
  expect(found?.fix).toContain("distributing a table makes its restrictive policy permissive");
  expect(found?.fix).toContain("DROP EXTENSION citus");

  const project = await makeProject(url, smallCompany);
  const checked = await project.tenantry("check");
  expect(checked.code).toBe(1);
  expect(checked.stderr).toContain("PREFLIGHT_FAILED");
  const ran = await project.tenantry("run", "--yes");
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain("citus: the extension citus 13.2-1");
  expect(ran.stderr).toContain("nothing was changed");
  expect(await findings("journal", { url })).toEqual([]);
  expect((await project.tenantry("status")).stdout).toMatch(/day1 +not applied/);

  await execute(session, "DROP EXTENSION citus");
  expect(await findings("citus", { url })).toEqual([]);
});

test("tables that Citus keeps in shards are named, and dropping the extension is not offered", async () => {
  const { url, session } = await company("citus shards");
  await execute(session, "CREATE EXTENSION citus", distribute);
  const [found] = await findings("citus", { url });
  expect(found?.says).toContain("it keeps 2 tables in shards: public.leads, public.settings");
  expect(found?.fix).not.toContain("DROP EXTENSION");
});

test("a catalog of Citus that may not be read is said, and blocks all the same", async () => {
  const { url, session } = await company("citus unread");
  await execute(
    session,
    "CREATE EXTENSION citus",
    "REVOKE SELECT ON pg_dist_partition FROM public",
    "DROP ROLE IF EXISTS citus_reader",
    "CREATE ROLE citus_reader LOGIN",
  );
  const reader = new URL(url);
  reader.username = "citus_reader";
  const [found] = await findings("citus", { url: reader.href });
  expect(found).toMatchObject({
    severity: "blocking",
    says: expect.stringContaining(
      "could not be read: permission denied for pg_catalog.pg_dist_partition",
    ),
  });
});

test("where Citus came after the stages, audit and verify fail and say why, and rollback still works", async () => {
  const { url, session } = await company("citus afterwards");
  const project = await makeProject(url, smallCompany);
  const ran = await project.tenantry("run", "--stage", "day1", "--yes");
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  const before = await project.tenantry("--stage", "day1", "--verify");
  expect(before, before.stderr).toMatchObject({ code: 0 });

  await execute(session, "CREATE EXTENSION citus", distribute);
  const verified = await project.tenantry("--stage", "day1", "--verify");
  expect(verified.code).toBe(3);
  expect(verified.stdout).toContain(
    "the extension citus is not installed: its shards would lose the guard",
  );
  expect(verified.stderr).toContain("a restrictive policy is permissive");
  expect(verified.stderr).toContain("public.leads, public.settings");
  const audited = await project.tenantry("audit");
  expect(audited.code).toBe(3);
  expect(audited.stdout).toContain("the extension citus: 13.2-1 is installed in this database");
  const next = await project.tenantry("run", "--stage", "day2", "--yes");
  expect(next.code).toBe(1);
  expect(next.stderr).toContain("PREFLIGHT_FAILED");
  const undone = await project.tenantry("rollback", "--yes");
  // All that is different from before is what somebody else has added since.
  expect(undone, undone.stderr).toMatchObject({ code: 3 });
  expect(undone.stderr).toContain("added: extension citus");
  expect(undone.stderr).toContain("differs from before in 2 objects");
});

const given = process.env["TENANTRY_TEST_CITUS_URL"] ?? "";
if (given === "") console.log("Citus itself is not tried: TENANTRY_TEST_CITUS_URL is not set");

test.skipIf(given === "")("Citus itself is found, with the table that it distributed", async () => {
  const database = await createDatabase("citus itself", given);
  await execute(database.session, "CREATE EXTENSION citus");
  await makeSmallCompany(database.session, 100);
  const session = await openSession({ url: database.url });
  onTestFinished(() => session.close());
  await execute(
    session,
    "CREATE TABLE events (id bigint PRIMARY KEY)",
    "SELECT create_distributed_table('events', 'id')",
  );
  const [found] = await findings("citus", { url: database.url });
  expect(found).toMatchObject({
    severity: "blocking",
    says: expect.stringContaining("it keeps 1 table in shards: public.events"),
  });
  const project = await makeProject(database.url, smallCompany);
  const ran = await project.tenantry("run", "--yes");
  expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining("PREFLIGHT_FAILED") });
});
