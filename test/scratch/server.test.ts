import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { openSession } from "../../src/postgres/connection.ts";
import { sql } from "../../src/postgres/sql.ts";
import { findServerBinaries } from "../../src/scratch/binaries.ts";
import { findEmbedded, prepareEmbedded } from "../../src/scratch/embedded.ts";
import { startServer } from "../../src/scratch/server.ts";
import { stopServer } from "../../src/scratch/watchdog.ts";

async function embedded(major: number) {
  const [binaries] = await findServerBinaries({ major, origin: "embedded" });
  if (binaries === undefined) throw new Error(`no embedded PostgreSQL ${major}`);
  return binaries;
}

async function ask(url: string, setting: string): Promise<string | undefined> {
  const session = await openSession({ url });
  const [row] = await session.rows(
    sql`SELECT current_setting(${setting}) AS value`,
    z.object({ value: z.string() }),
  );
  await session.close();
  return row?.value;
}

async function vanished(folder: string): Promise<boolean> {
  for (let tries = 0; tries < 200 && existsSync(folder); tries += 1) await sleep(50);
  return !existsSync(folder);
}

test.each([14, 18])("PostgreSQL %i starts, answers, stops and leaves nothing", async (major) => {
  const server = await startServer({ binaries: await embedded(major), settings: { fsync: "on" } });
  expect(await ask(server.url, "server_version_num")).toMatch(new RegExp(`^${major}`));
  expect(await ask(server.url, "data_directory")).toBe(server.dataDirectory);
  expect(await ask(server.url, "fsync")).toBe("on");
  await server.stop();
  expect(existsSync(server.folder)).toBe(false);
  expect(() => process.kill(server.process, 0)).toThrow("ESRCH");
  await expect(openSession({ url: server.url })).rejects.toMatchObject({
    code: "CONNECTION_FAILED",
  });
});

async function startElsewhere(outlivesProcess: boolean, afterwards: string) {
  const script = `
    import { findServerBinaries } from "./src/scratch/binaries.ts";
    import { startServer } from "./src/scratch/server.ts";
    const [binaries] = await findServerBinaries({ major: 18, origin: "embedded" });
    const server = await startServer({ binaries, outlivesProcess: ${outlivesProcess} });
    console.log(JSON.stringify({ folder: server.folder, url: server.url }));
    ${afterwards};
  `;
  const owner = execa(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    reject: false,
  });
  const line = await new Promise<string>((resolve) => {
    owner.stdout.once("data", (chunk) => resolve(String(chunk)));
  });
  return { owner, ...z.object({ folder: z.string(), url: z.string() }).parse(JSON.parse(line)) };
}

test("a server ends with its process, even a killed one", async () => {
  const { owner, folder, url } = await startElsewhere(false, "setInterval(() => undefined, 1000)");
  expect(await ask(url, "port")).toBe(new URL(url).port);
  owner.kill("SIGKILL");
  await owner;
  expect(await vanished(folder)).toBe(true);
});

test("a process that is killed while its server is made leaves no folder", async () => {
  const temporary = await mkdtemp(path.join(os.tmpdir(), "tenantry-test-"));
  onTestFinished(() => rm(temporary, { recursive: true, force: true }));
  // A server runs as another user than root.
  await chmod(temporary, 0o777);
  const script = `
    import { findServerBinaries } from "./src/scratch/binaries.ts";
    import { startServer } from "./src/scratch/server.ts";
    const [binaries] = await findServerBinaries({ major: 18, origin: "embedded" });
    await startServer({ binaries });
  `;
  const ours = async () =>
    (await readdir(temporary)).filter((name) => name.startsWith("tenantry-server-"));
  for (const milliseconds of [0, 15, 45, 90, 130, 170, 210, 250, 300, 400]) {
    const owner = execa(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "-e", script],
      { reject: false, env: { TMPDIR: temporary } },
    );
    await expect.poll(ours, { timeout: 20_000, interval: 2 }).toHaveLength(1);
    await sleep(milliseconds);
    owner.kill("SIGKILL");
    await owner;
    await expect.poll(ours, { timeout: 10_000 }).toEqual([]);
  }
  // Nothing comes back, either.
  await sleep(2000);
  expect(await ours()).toEqual([]);
}, 120_000);

test("a process with nothing else to do waits until its server has stopped", async () => {
  const { owner, folder } = await startElsewhere(false, "await server.stop()");
  expect((await owner).exitCode).toBe(0);
  expect(existsSync(folder)).toBe(false);
});

test("a server that nobody stops ends with its process, which it does not hold up", async () => {
  const { owner, folder } = await startElsewhere(false, "");
  expect((await owner).exitCode).toBe(0);
  expect(await vanished(folder)).toBe(true);
});

test("a server that outlives its process does not hold it up, and can be stopped by its folder", async () => {
  const { owner, folder, url } = await startElsewhere(true, "");
  expect((await owner).exitCode).toBe(0);
  expect(await ask(url, "port")).toBe(new URL(url).port);
  await stopServer(folder);
  expect(existsSync(folder)).toBe(false);
});

test("a server that cannot start says why and leaves nothing", async () => {
  const binaries = await embedded(18);
  await expect(startServer({ binaries, settings: { no_such_setting: "1" } })).rejects.toMatchObject(
    {
      code: "SERVER_NOT_STARTED",
      details: expect.arrayContaining([expect.stringContaining("no_such_setting")]),
    },
  );
});

test("binaries without links, out of the server user's reach, are copied once and linked", async () => {
  const [binaries] = (await findEmbedded()).filter(({ major }) => major === 18);
  if (binaries === undefined) throw new Error("no embedded PostgreSQL 18");
  const folder = await mkdtemp(path.join(os.tmpdir(), "tenantry-test-"));
  await chmod(folder, 0o711);
  try {
    const hidden = path.join(folder, "hidden");
    await mkdir(hidden, { mode: 0o700 });
    await execa("cp", ["-R", path.join(binaries.package, "native"), hidden]);
    await execa("find", [hidden, "-type", "l", "-delete"]);
    const moved = { ...binaries, package: hidden };
    const [one, other] = await Promise.all([
      prepareEmbedded(moved, folder),
      prepareEmbedded(moved, folder),
    ]);
    expect(one).toBe(other);
    if (process.getuid?.() === 0) expect(one.startsWith(hidden)).toBe(false);
    const server = await startServer({
      binaries: {
        origin: "local",
        major: 18,
        version: binaries.version,
        folder: one,
      },
    });
    expect(await ask(server.url, "server_version_num")).toMatch(/^18/);
    await server.stop();
  } finally {
    await rm(folder, { recursive: true });
  }
});
