import { chmod, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chooseForDemo } from "../../src/backup/programs/pg-dump.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { type Server, startServer } from "../../src/scratch/server.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { falseServers, listen, unbearableServers } from "./false-servers.ts";
import { contentOf, filesIn, folderWith, refusalOf, tenantryIn } from "./in-this-process.ts";

const files = { "tenantry.config.json": JSON.stringify(smallCompany) };

let server: Server;
let session: Session;
let content: Record<string, string>;

// Not in a folder of ours: the server's user must be able to read it.
const rules = path.join(tmpdir(), `tenantry-bad-connections-${process.pid}.conf`);

beforeAll(async () => {
  await writeFile(
    rules,
    `local all all trust
host all postgres 127.0.0.1/32 trust
host all turned_away 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256
`,
  );
  await chmod(rules, 0o644);
  const { binaries } = await chooseForDemo();
  server = await startServer({ binaries, settings: { hba_file: rules } });
  session = await openSession({ url: server.url });
  await makeSmallCompany(session, 20);
  const statements = [
    "CREATE ROLE owner LOGIN SUPERUSER PASSWORD 'right'",
    'CREATE ROLE "o\'wner ""quoted"" ü" LOGIN PASSWORD \'right\'',
    "CREATE ROLE turned_away LOGIN PASSWORD 'right'",
    "CREATE ROLE without_login NOLOGIN PASSWORD 'right'",
    "CREATE ROLE without_password LOGIN",
    "CREATE ROLE expired LOGIN PASSWORD 'right' VALID UNTIL '2001-01-01'",
    "CREATE ROLE crowded LOGIN PASSWORD 'right' CONNECTION LIMIT 0",
    "CREATE DATABASE closed ALLOW_CONNECTIONS FALSE",
    "CREATE DATABASE private",
    "REVOKE CONNECT ON DATABASE private FROM PUBLIC",
  ];
  for (const statement of statements) await session.execute({ parts: [statement], values: [] });
  content = await contentOf(session);
});

afterAll(async () => {
  // Every case has tried another way in, and none of them has changed anything.
  const after = await contentOf(session);
  await session.close();
  await server.stop();
  await rm(rules);
  expect(after).toEqual(content);
});

const commands = [
  "status",
  "run --yes",
  "check",
  "rollback --yes",
  "plan",
  "audit",
  "backup",
  "rehearse",
  "--stage day1 --verify",
];

const refused: readonly (readonly [why: string, part: string, says: RegExp])[] = [
  ["a wrong password", "owner:wrong@HOST/postgres", /password authentication failed/],
  ["an empty password", "owner:@HOST/postgres", /the server asks for a password, and none/],
  ["no password", "owner@HOST/postgres", /the server asks for a password, and none/],
  [
    "a password of the role that has none",
    "without_password:x@HOST/postgres",
    /authentication failed/,
  ],
  ["a password that has expired", "expired:right@HOST/postgres", /authentication failed/],
  ["a role that does not exist", "nobody:right@HOST/postgres", /authentication failed/],
  ["a role in other capitals", "Owner:right@HOST/postgres", /authentication failed/],
  [
    "a role whose name is SQL",
    "o'wner; DROP TABLE leads; --:x@HOST/postgres",
    /authentication failed/,
  ],
  ["a role that cannot log in", "without_login:right@HOST/postgres", /not permitted to log in/],
  [
    "a role that the server's rules reject",
    "turned_away:right@HOST/postgres",
    /pg_hba\.conf rejects/,
  ],
  ["a role that has too many connections", "crowded:right@HOST/postgres", /too many connections/],
  ["a database that does not exist", "owner:right@HOST/nowhere", /"nowhere" does not exist/],
  ["a database in other capitals", "owner:right@HOST/Postgres", /"Postgres" does not exist/],
  ["a database with a space behind it", "owner:right@HOST/postgres%20", /does not exist/],
  [
    "a database whose name is SQL",
    "owner:right@HOST/a'%3B%20DROP%20TABLE%20leads",
    /does not exist/,
  ],
  ["a database over 63 bytes", `owner:right@HOST/${"d".repeat(70)}`, /does not exist/],
  ["a database that takes no connections", "owner:right@HOST/closed", /not currently accepting/],
  [
    "a database without CONNECT",
    `${encodeURIComponent(`o'wner "quoted" ü`)}:right@HOST/private`,
    /permission denied for database/,
  ],
  ["TLS, of a server without", "owner:right@HOST/postgres?sslmode=require", /does not support SSL/],
  ["a setting that is none", "owner:right@HOST/postgres?options=-c%20no_such=1", /no_such/],
];

test.each(
  refused.map(([why, part, says], index) => ({
    why,
    part,
    says,
    command: commands[index % commands.length] ?? "",
  })),
)("$why: tenantry $command says so, and what the server said", async ({ part, says, command }) => {
  const folder = await folderWith(files);
  const before = await filesIn(folder);
  const url = `postgresql://${part.replace("HOST", `127.0.0.1:${server.port}`)}`;
  const outcome = await tenantryIn(folder, { DATABASE_URL: url }, command.split(" "));
  const refusal = refusalOf(outcome);
  expect(refusal).toMatchObject({ code: "CONNECTION_FAILED", fault: expect.stringMatching(says) });
  expect(`${outcome.stdout}${outcome.stderr}`).not.toMatch(/right|wrong/);
  expect(await filesIn(folder)).toEqual(before);
});

test("the same by the PG* variables", async () => {
  const folder = await folderWith(files);
  const place = { PGHOST: "127.0.0.1", PGPORT: String(server.port), PGUSER: "owner" };
  for (const wrong of [
    { PGPASSWORD: "wrong" },
    { PGDATABASE: "nowhere", PGPASSWORD: "right" },
    { PGPORT: "1" },
    { PGPORT: "port" },
    { PGHOST: "nowhere.invalid" },
    { PGHOST: "/nowhere" },
  ]) {
    const environment = { ...place, PGDATABASE: "postgres", ...wrong };
    const refusal = refusalOf(await tenantryIn(folder, environment, ["run", "--yes"]));
    expect([wrong, refusal.code]).toEqual([
      wrong,
      expect.stringMatching(/CONNECTION_FAILED|USAGE/),
    ]);
  }
});

test.each(Object.entries(falseServers))("%s is no server to work with", async (_name, serve) => {
  const folder = await folderWith(files);
  const url = `postgresql://u:x@127.0.0.1:${await listen(serve)}/d`;
  const refusal = refusalOf(await tenantryIn(folder, { DATABASE_URL: url }, ["run", "--yes"]));
  expect(refusal.code).toBe("CONNECTION_FAILED");
});

// In processes of their own: what nobody catches would end this one, and what hangs would stay.
test("a server that keeps everybody waiting, or wants what we cannot, is given up within ten seconds, whatever was asked of it", async () => {
  const asked = Object.values(unbearableServers).map(async (serve, index) => {
    const url = `postgresql://u:x@127.0.0.1:${await listen(serve)}/d`;
    const project = await makeProject(url, smallCompany);
    const started = performance.now();
    const outcome = await project.tenantry(...(commands[index] ?? "status").split(" "));
    return { outcome, milliseconds: performance.now() - started };
  });
  for (const { outcome, milliseconds } of await Promise.all(asked)) {
    expect(refusalOf(outcome).code).toBe("CONNECTION_FAILED");
    expect(milliseconds).toBeLessThan(40_000);
  }
});
