import { existsSync } from "node:fs";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { expect, onTestFinished, test, vi } from "vitest";
import { openSession } from "../../src/postgres/connection.ts";
import { findServerUser } from "../../src/scratch/server-user.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const pgbouncer = "/usr/sbin/pgbouncer";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Puts PgBouncer in front of a database, for one test. */
async function pool(url: string, mode: "transaction" | "session"): Promise<string> {
  const server = new URL(url);
  const folder = await mkdtemp(path.join(tmpdir(), "tenantry-pooler-"));
  const port = await freePort();
  const config = path.join(folder, "pgbouncer.ini");
  await writeFile(path.join(folder, "users.txt"), `"${server.username}" ""\n`);
  await writeFile(
    config,
    `[databases]
* = host=${server.hostname} port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${folder}/users.txt
pool_mode = ${mode}
ignore_startup_parameters = extra_float_digits
`,
  );
  // It refuses to run as root.
  const user = await findServerUser();
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const child = execa(pgbouncer, [config], {
    reject: false,
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await child;
    await rm(folder, { recursive: true, force: true });
  });
  server.port = String(port);
  await vi.waitFor(async () => (await openSession({ url: server.href })).close(), {
    timeout: 10_000,
  });
  return server.href;
}

const untried = !existsSync(pgbouncer);
if (untried) console.log("poolers are not tried: PgBouncer is not installed");

test.skipIf(untried)("a pooler in transaction mode is named, with the way out", async () => {
  const { session, url } = await createDatabase("transaction pooler");
  await makeSmallCompany(session, 100);
  const project = await makeProject(await pool(url, "transaction"), smallCompany);
  const outcome = await project.tenantry("run", "--yes");
  expect(outcome.stderr).toContain("a pooler in transaction mode");
  expect(outcome.stderr).toContain("connect to the server itself");
  expect(outcome.code).toBe(1);
});

test.skipIf(untried)("a pooler in session mode is no obstacle", async () => {
  const { session, url } = await createDatabase("session pooler");
  await makeSmallCompany(session, 100);
  const project = await makeProject(await pool(url, "session"), smallCompany);
  expect(await project.tenantry("run", "--yes")).toMatchObject({ code: 0 });
});
