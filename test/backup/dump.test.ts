import { existsSync } from "node:fs";
import { chmod, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { dumpDatabase } from "../../src/backup/dump/dump.ts";
import { chooseForDemo } from "../../src/backup/programs/pg-dump.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, literal, sql } from "../../src/postgres/sql.ts";
import { type Server, startServer } from "../../src/scratch/server.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const user = 'o\'connor "& sons"?=#%/é';
// The driver leaves what separates a URL's parts encoded in a database's name: no ? and # here.
const database = "shop: a&b=c% +'é";
const password = "se:cr\\et word%/@&?#'é+";

let server: Server;
let owner: Session;

// Not in a folder of ours: the server's user must be able to read it.
const rules = path.join(tmpdir(), `tenantry-backup-test-${process.pid}.conf`);

beforeAll(async () => {
  await writeFile(
    rules,
    "local all postgres trust\nhost all postgres 127.0.0.1/32 trust\nlocal all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n",
  );
  await chmod(rules, 0o644);
  const { binaries } = await chooseForDemo();
  server = await startServer({ binaries, settings: { hba_file: rules } });
  const admin = await openSession({ url: server.url });
  await admin.execute(
    sql`CREATE ROLE ${ident(user)} LOGIN SUPERUSER PASSWORD ${literal(password)}`,
  );
  await admin.execute(sql`CREATE DATABASE ${ident(database)} OWNER ${ident(user)}`);
  await admin.close();
  owner = await openSession({ url: urlOf(password) });
  await owner.execute(sql`CREATE TABLE leads AS SELECT 1 AS id`);
});

afterAll(async () => {
  await owner.close();
  await server.stop();
  await rm(rules);
});

function urlOf(withPassword: string, parameters = ""): string {
  const [name, word] = [user, withPassword].map(encodeURIComponent);
  return `postgresql://${name}:${word}@127.0.0.1:${server.port}/${encodeURI(database)}${parameters}`;
}

async function dump(
  url: string | undefined,
  folder: string,
  session = owner,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<string> {
  return session.transaction(async (queries) => {
    const [row] = await queries.rows(
      sql`SELECT pg_export_snapshot() AS snapshot`,
      z.object({ snapshot: z.string() }),
    );
    const snapshot = row?.snapshot ?? "";
    await meanwhile();
    return dumpDatabase({
      target: { url },
      path: folder,
      attempt: folder,
      jobs: 2,
      snapshot,
      serverMajor: server.major,
    });
  }, "read only snapshot");
}

/** Every argument of every process, but those that ended while we read. */
async function argumentLists(): Promise<string[]> {
  const processes = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const read = await Promise.allSettled(
    processes.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8")),
  );
  return read.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}

test.runIf(existsSync("/proc/self/cmdline"))(
  "a password is in no process's argument list, and no passfile stays",
  async () => {
    const holder = await openSession({ url: urlOf(password) });
    const seen: string[] = [];
    let passfile: string | undefined;
    const folder = path.join(await temporaryFolder(), "dump");
    const running = await holder.transaction(async (queries) => {
      await queries.execute(sql`LOCK TABLE leads IN ACCESS EXCLUSIVE MODE`);
      let ended = false;
      const started = dump(urlOf(password), folder).finally(() => {
        ended = true;
      });
      for (let ours = 0; ours < 5 && !ended; await sleep(20)) {
        const lists = await argumentLists();
        const dumps = lists.filter((list) => list.includes(folder));
        passfile ??= /passfile=([^&\0]+)/.exec(dumps.join())?.[1];
        if (dumps.length > 0) ours += 1;
        seen.push(...lists);
      }
      const lent = decodeURIComponent(passfile ?? "");
      expect(await readFile(lent, "utf8")).toBe("*:*:*:*:se\\:cr\\\\et word%/@&?#'é+\n");
      expect((await stat(lent)).mode & 0o777).toBe(0o600);
      return { started, lent };
    });
    await running.started;
    await holder.close();
    expect(seen.some((list) => list.includes("pg_dump"))).toBe(true);
    const written = [password, encodeURIComponent(password), encodeURI(password), "cr\\et"];
    for (const form of written) expect(seen.filter((list) => list.includes(form))).toEqual([]);
    expect(existsSync(path.dirname(running.lent))).toBe(false);
  },
);

test("an error tells what pg_dump said, and no password", async () => {
  const folder = path.join(await temporaryFolder(), "dump");
  const wrong = "wrong%secret&1";
  const error = await dump(urlOf(wrong), folder).catch((caught: unknown) => caught);
  expect(error).toMatchObject({
    code: "BACKUP_FAILED",
    object: database,
    fault: "pg_dump failed",
    details: expect.arrayContaining([expect.stringContaining("password authentication failed")]),
  });
  const shown = inspect(error, { depth: 10, showHidden: true });
  for (const form of [wrong, encodeURIComponent(wrong)]) expect(shown).not.toContain(form);
});

test("the URL's password is taken, whatever PGPASSWORD says", async () => {
  vi.stubEnv("PGPASSWORD", "another");
  const folder = path.join(await temporaryFolder(), "dump");
  await dump(urlOf(password), folder).finally(() => vi.unstubAllEnvs());
  expect(await readdir(folder)).toContain("toc.dat");
});

test("PGPASSWORD is taken where the URL has none", async () => {
  vi.stubEnv("PGPASSWORD", password);
  const folder = path.join(await temporaryFolder(), "dump");
  const url = urlOf("").replace(":@", "@");
  await dump(url, folder).finally(() => vi.unstubAllEnvs());
  expect(await readdir(folder)).toContain("toc.dat");
});

test("without a URL libpq's own variables say where, whatever the names hold", async () => {
  const named = "?a#b&sslmode=disable/@:%41";
  await owner.execute(sql`CREATE DATABASE ${ident(named)}`);
  const variables = { HOST: "127.0.0.1", PORT: String(server.port), USER: user, DATABASE: named };
  for (const [name, value] of Object.entries({ ...variables, PASSWORD: password })) {
    vi.stubEnv(`PG${name}`, value);
  }
  const session = await openSession({ url: undefined });
  const folder = path.join(await temporaryFolder(), "dump");
  await dump(undefined, folder, session).finally(() => vi.unstubAllEnvs());
  await session.close();
  expect(await readFile(path.join(folder, "toc.dat"), "latin1")).toContain(named);
});

test("a server is reached through the folder of its socket", async () => {
  const folder = path.join(await temporaryFolder(), "dump");
  const [name, word] = [user, password].map(encodeURIComponent);
  const place = `${encodeURIComponent(server.folder)}:${server.port}`;
  await dump(`postgresql://${name}:${word}@${place}/${encodeURI(database)}`, folder);
  expect(await readdir(folder)).toContain("toc.dat");
});

test("SSL modes that only the driver has are handed on as libpq's", async () => {
  for (const parameters of ["?sslmode=no-verify", "?sslmode=require", "?ssl=true"]) {
    const folder = path.join(await temporaryFolder(), "dump");
    await expect(dump(urlOf(password, parameters), folder)).rejects.toMatchObject({
      code: "BACKUP_FAILED",
      details: [expect.stringContaining("server does not support SSL")],
    });
  }
  const folder = path.join(await temporaryFolder(), "dump");
  await dump(urlOf(password, "?sslmode=disable&connect_timeout=5&unknown=1"), folder);
});

test("what is dumped is the snapshot that was given, not what is there when pg_dump starts", async () => {
  await owner.execute(sql`CREATE TABLE notes AS SELECT 'before' AS note`);
  const writer = await openSession({ url: urlOf(password) });
  const folder = path.join(await temporaryFolder(), "dump");
  await dump(urlOf(password), folder, owner, async () => {
    await writer.execute(sql`INSERT INTO notes VALUES ('after')`);
  });
  await writer.close();
  const files = (await readdir(folder)).filter((name) => name.endsWith(".dat.gz"));
  const rows = await Promise.all(
    files.map(async (name) => gunzipSync(await readFile(path.join(folder, name))).toString()),
  );
  expect(rows).toContain("before\n\\.\n\n\n");
});

test("a folder that is there already is not written into", async () => {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, "mine"), "");
  await expect(dump(urlOf(password), folder)).rejects.toMatchObject({ code: "BACKUP_FAILED" });
  expect(await readdir(folder)).toEqual(["mine"]);
});

test("PATH and the umask are as before as soon as pg_dump has started", async () => {
  const before = [process.env["PATH"], process.umask()];
  const running = dump(urlOf(password), path.join(await temporaryFolder(), "dump"));
  const during = new Set<string>();
  const sampling = setInterval(() => during.add(`${process.env["PATH"]} ${process.umask()}`), 1);
  expect(await running).toMatch(/^\d+\.\d+/);
  clearInterval(sampling);
  expect([...during]).toEqual([before.join(" ")]);
});
