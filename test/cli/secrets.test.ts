import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { chooseForDemo } from "../../src/backup/programs/pg-dump.ts";
import type { Config } from "../../src/config/schema.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, literal, sql } from "../../src/postgres/sql.ts";
import { type Server, startServer } from "../../src/scratch/server.ts";
import { makeProject, type Started } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

/** Whatever a password is encoded for, this part of it stays as it is. */
const core = "Xk93qLmZ";
const password = `p@ss:w/rd %é${core}&'1`;
const role = "small_company_owner";

let server: Server;
let session: Session;

// Not in a folder of ours: the server's user must be able to read it.
const rules = path.join(tmpdir(), `tenantry-secrets-test-${process.pid}.conf`);

beforeAll(async () => {
  await writeFile(
    rules,
    "local all all trust\nhost all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
  );
  await chmod(rules, 0o644);
  const { binaries } = await chooseForDemo();
  server = await startServer({ binaries, settings: { hba_file: rules } });
  session = await openSession({ url: server.url });
  await session.execute(
    sql`CREATE ROLE ${ident(role)} LOGIN SUPERUSER PASSWORD ${literal(password)}`,
  );
  await makeSmallCompany(session, 200);
  // Something that takes pg_dump long enough to be seen.
  await session.execute(
    sql`CREATE TABLE padding AS SELECT md5(n::text) AS said FROM generate_series(1, 200000) AS n`,
  );
});

afterAll(async () => {
  await session.close();
  await server.stop();
  await rm(rules);
});

async function databaseName(): Promise<string> {
  const [row] = await session.rows(
    sql`SELECT current_database() AS name`,
    z.object({ name: z.string() }),
  );
  return row?.name ?? "";
}

const config: Config = {
  ...smallCompany,
  exemptTables: { ...smallCompany.exemptTables, padding: "takes up space" },
};

type Sampled = { readonly programs: Set<string>; readonly leaks: string[] };

/** Looks at every process of the machine for as long as one runs. */
async function sampleWhile(started: Started): Promise<Sampled> {
  const sampled: Sampled = { programs: new Set(), leaks: [] };
  let ended = false;
  void started.ended.finally(() => {
    ended = true;
  });
  while (!ended) {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const list = readOf(pid, "cmdline");
      const program = path.basename(list.split("\0")[0] ?? "");
      // What our own process was given cannot be taken back; a child is its copy until it executes.
      const ours = program === "tenantry" || list.includes("bin/tenantry.mjs");
      const environment = ours ? "" : readOf(pid, "environ");
      sampled.programs.add(program);
      if (`${list}${environment}`.includes(core)) sampled.leaks.push(`${program}: ${list}`);
    }
    await sleep(2);
  }
  return sampled;
}

/** Nothing, where the process ended or is not ours to look into. */
function readOf(pid: string, what: "cmdline" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "utf8");
  } catch {
    return "";
  }
}

async function journalAsText(): Promise<string> {
  const tables = await session.rows(
    sql`SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'tenantry'`,
    z.object({ name: z.string() }),
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const rows = await session.rows(
      sql`SELECT t::text AS text FROM ${ident({ schema: "tenantry", name })} AS t`,
      z.object({ text: z.string() }),
    );
    texts.push(...rows.map(({ text }) => text));
  }
  return texts.join("\n");
}

/** Every file under a folder, unpacked. */
async function filesOf(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const read = files.map(async ({ parentPath, name }): Promise<[string, string]> => {
    const content = await readFile(path.join(parentPath, name));
    return [name, (name.endsWith(".gz") ? gunzipSync(content) : content).toString()];
  });
  return new Map(await Promise.all(read));
}

test.runIf(existsSync("/proc/self/environ"))(
  "the password is in no other process, nothing printed, no journal, no backup and no tag",
  async () => {
    const name = await databaseName();
    const place = `127.0.0.1:${server.port}/${name}`;
    const days = {
      day1: { DATABASE_URL: `postgresql://${role}:${encodeURIComponent(password)}@${place}` },
      day2: {
        PGHOST: "127.0.0.1",
        PGPORT: String(server.port),
        PGUSER: role,
        PGDATABASE: name,
        PGPASSWORD: password,
      },
    };
    for (const [stage, environment] of Object.entries(days)) {
      const project = await makeProject(environment, config);
      await execa("git", ["init"], { cwd: project.folder });
      const someone = ["-c", "user.name=Someone", "-c", "user.email=someone@example.com"];
      const work = ["commit", "--allow-empty", "--message=work"];
      await execa("git", [...someone, ...work], { cwd: project.folder });
      const hook = path.join(project.folder, ".git/hooks/reference-transaction");
      await writeFile(hook, "#!/bin/sh\nenv >>inherited\nsleep 0.1\n");
      await chmod(hook, 0o755);

      const started = project.start("run", "--stage", stage, "--yes", "--json");
      const { programs, leaks } = await sampleWhile(started);
      const { code, stdout, stderr } = await started.ended;
      expect([stage, code, stderr]).toEqual([stage, 0, ""]);
      expect([...programs]).toEqual(expect.arrayContaining(["git", "pg_dump", "tenantry"]));
      expect(leaks).toEqual([]);
      expect(stdout).not.toContain(core);

      const files = await filesOf(project.folder);
      expect([...files.keys()]).toEqual(
        expect.arrayContaining([
          "inherited",
          "manifest.json",
          "rollback.sql",
          "toc.dat",
          expect.stringMatching(/-run\.jsonl$/),
        ]),
      );
      for (const [file, text] of files) expect([file, text.includes(core)]).toEqual([file, false]);
      expect(files.get("inherited")).toContain("PATH=");
      const tag = ["cat-file", "tag", `before-multitenancy-${stage}`];
      expect((await execa("git", tag, { cwd: project.folder })).stdout).not.toContain(core);
    }
    const journal = await journalAsText();
    expect(journal).toContain("before-multitenancy-day2");
    expect(journal).not.toContain(core);
  },
);

test.runIf(existsSync("/proc/self/cmdline"))(
  "a password in --url is in our own argument list no longer than until we run",
  async () => {
    const hanging = createServer(() => undefined).listen(0, "127.0.0.1");
    const connected = new Promise((resolve) => hanging.once("connection", resolve));
    await new Promise((resolve) => hanging.once("listening", resolve));
    const address = hanging.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const project = await makeProject({}, smallCompany);
    const url = `postgresql://nobody:${core}@127.0.0.1:${port}/none`;
    const started = project.start("status", "--url", url);
    await connected;
    expect(readOf(String(started.pid), "cmdline")).toMatch(/^tenantry\0*$/);
    started.kill("SIGKILL");
    await started.ended;
    hanging.close();
  },
);

test("what is not understood is quoted without its password", async () => {
  const project = await makeProject({}, smallCompany);
  const outcome = await project.tenantry("run", `--ulr=postgresql://me:${core}@host/shop`);
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toContain("--ulr=postgresql://me:(password)@host/shop");
});

test("--debug says every statement, and no password", async () => {
  const place = `127.0.0.1:${server.port}/${await databaseName()}`;
  const url = `postgresql://${role}:${encodeURIComponent(password)}@${place}`;
  const project = await makeProject({ DATABASE_URL: url }, smallCompany);
  const outcome = await project.tenantry("status", "--debug");
  expect(outcome).toMatchObject({ code: 0, stderr: expect.stringContaining("sql (tenantry)") });
  expect(outcome.stdout + outcome.stderr).not.toContain(core);
});

test("PGPASSWORD is for a URL without a password too", async () => {
  const url = `postgresql://${role}@127.0.0.1:${server.port}/${await databaseName()}`;
  const project = await makeProject({ DATABASE_URL: url, PGPASSWORD: password }, smallCompany);
  expect(await project.tenantry("status")).toMatchObject({ code: 0 });
});

test("a configuration in TypeScript may read DATABASE_URL", async () => {
  const project = await makeProject(server.url, smallCompany);
  await rm(path.join(project.folder, "tenantry.config.json"));
  await writeFile(
    path.join(project.folder, "tenantry.config.ts"),
    `if (!process.env["DATABASE_URL"]) throw new Error("not there");\nexport default ${JSON.stringify(config)};\n`,
  );
  expect(await project.tenantry("status")).toMatchObject({ code: 0 });
});

test("a secret in a setting of the database or of a role comes back with a restore, and is in no log of it", async () => {
  const name = await databaseName();
  const holder = ident("settings holder");
  await session.execute(sql`CREATE ROLE ${holder}`);
  await session.execute(sql`ALTER ROLE ${holder} SET "app.settings.key" TO ${literal(core)}`);
  await session.execute(
    sql`ALTER DATABASE ${ident(name)} SET "app.settings.jwt_secret" TO ${literal(core)}`,
  );
  const project = await makeProject(server.url, config);
  expect(await project.tenantry("backup")).toMatchObject({ code: 0 });
  await session.execute(sql`DROP ROLE ${holder}`);
  await session.execute(sql`ALTER DATABASE ${ident(name)} RESET "app.settings.jwt_secret"`);
  const [backup = ""] = readdirSync(path.join(project.folder, "backups")).filter((folder) =>
    folder.startsWith("manual"),
  );
  const into = server.url.replace(/[^/]+$/, "with_settings");
  const restore = ["restore", path.join("backups", backup), "--into", into, "--debug"];
  const { code, stdout, stderr } = await project.tenantry(...restore);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stdout + stderr).not.toContain(core);
  const logs = path.join(project.folder, ".tenantry", "logs");
  const log = readdirSync(logs).map((file) => readFileSync(path.join(logs, file), "utf8"));
  expect(log.join("")).toContain("CREATE DATABASE");
  expect(log.join("")).not.toContain(core);
  const restored = await openSession({ url: into });
  const settings = await restored.rows(
    sql`
      SELECT current_setting('app.settings.jwt_secret') AS secret,
             (SELECT setconfig[1]
                FROM pg_db_role_setting
               WHERE setrole = '"settings holder"'::regrole) AS holds
    `,
    z.object({ secret: z.string(), holds: z.string() }),
  );
  await restored.close();
  expect(settings).toEqual([{ secret: core, holds: `app.settings.key=${core}` }]);
});
