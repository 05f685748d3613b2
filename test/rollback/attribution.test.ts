import { appendFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { execa } from "execa";
import { expect, test } from "vitest";
import { z } from "zod";
import { loadAttribution } from "../../src/attribution/load.ts";
import { readAttribution } from "../../src/attribution/manifest.ts";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { readDatabaseIdentity } from "../../src/catalog/system-identifier.ts";
import type { Config } from "../../src/config/schema.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { type Sql, sql } from "../../src/postgres/sql.ts";
import { organizationId } from "../../src/steps/model/naming.ts";
import { changeManifest, signAgain } from "../bad-input/edited-manifest.ts";
import { createDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const hostile = 'Row "s"; $1';

const config: Config = {
  ...smallCompany,
  day1: {
    tables: {
      ...smallCompany.day1.tables,
      [`"${hostile.replaceAll('"', '""')}"`]: { user: "Person; id" },
      keyless: { user: "person_id", unattributed: "default" },
    },
  },
};

/** The small company, with a table whose key is of two columns and whose names are hostile. */
async function makeCompany(session: Session): Promise<void> {
  await makeSmallCompany(session, 600);
  for (const statement of [
    sql`
      CREATE TABLE "Row ""s""; $1" (
        "Key; A" timestamptz NOT NULL,
        "Key ""B""" numeric NOT NULL,
        "Person; id" bigint NOT NULL REFERENCES person,
        PRIMARY KEY ("Key; A", "Key ""B""")
      )
    `,
    sql`
      INSERT INTO "Row ""s""; $1"
      SELECT timestamptz '2026-03-29 00:30+01' + n * interval '7 min', n / 7.0, 1 + n % 8
        FROM generate_series(1, 300) AS n
    `,
    sql`CREATE TABLE keyless (person_id bigint NOT NULL REFERENCES person)`,
    sql`INSERT INTO keyless SELECT 1 + n % 8 FROM generate_series(1, 20) AS n`,
    sql`GRANT ALL ON ALL TABLES IN SCHEMA public TO small_company_app`,
  ]) {
    await session.execute(statement);
  }
}

const gamma = "8d8dca5d-9d3f-4b7e-8ee4-f4e8c5e0a111";

/** What people do between a stage and its rollback. */
const life: readonly Sql[] = [
  sql`INSERT INTO organizations (id, name, slug, settings) VALUES (${gamma}, 'Gamma', 'gamma', '{"a": 1}')`,
  sql`UPDATE organizations SET name = 'Alpha Incorporated' WHERE slug = 'alpha'`,
  sql`UPDATE organization_users SET role = 'admin' WHERE user_id = 2`,
  sql`UPDATE organization_users SET organization_id = ${gamma}, role = 'owner' WHERE user_id = 3`,
  sql`INSERT INTO organization_users (organization_id, user_id) VALUES (${gamma}, 4)`,
  sql`UPDATE leads SET organization_id = ${gamma} WHERE id % 10 = 0`,
  sql`UPDATE calls SET organization_id = ${gamma} WHERE lead_id % 10 = 0`,
  sql`UPDATE "Row ""s""; $1" SET organization_id = ${gamma} WHERE "Key ""B""" < 10`,
];

async function contents(session: Session): Promise<unknown> {
  const statements = [
    sql`SELECT to_jsonb(o) - 'updated_at' AS row FROM organizations o ORDER BY id`,
    sql`SELECT to_jsonb(m) AS row FROM organization_users m ORDER BY organization_id, user_id`,
    sql`SELECT to_jsonb(ARRAY[id::text, organization_id::text]) AS row FROM leads WHERE phone <> 'later' ORDER BY id`,
    sql`SELECT to_jsonb(ARRAY[id::text, organization_id::text]) AS row FROM calls ORDER BY id`,
    sql`SELECT to_jsonb(r) AS row FROM "Row ""s""; $1" r ORDER BY 1`,
  ];
  const found: unknown[] = [];
  for (const statement of statements) {
    found.push(await session.rows(statement, z.object({ row: z.unknown() })));
  }
  return found;
}

async function keptIn({ folder }: Project): Promise<string[]> {
  const names = await readdir(path.join(folder, "backups"));
  return names.filter((name) => name.endsWith("-attribution")).sort();
}

async function lived(name: string): Promise<{ database: TestDatabase; project: Project }> {
  const database = await createDatabase(name);
  await makeCompany(database.session);
  const project = await makeProject(database.url, config);
  expect(await project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({ code: 0 });
  for (const statement of life) await database.session.execute(statement);
  return { database, project };
}

/** As a rollback saved organizations and memberships first: each as one JSON array. */
async function asFormat1(folder: string): Promise<void> {
  for (const what of ["organizations", "memberships"]) {
    const file = path.join(folder, `${what}.copy.gz`);
    const lines = gunzipSync(await readFile(file))
      .toString()
      .trimEnd()
      .split("\n");
    // In a JSON object, a backslash is all that COPY escapes.
    const records = lines.map((line) => line.replaceAll("\\\\", "\\"));
    await writeFile(path.join(folder, `${what}.json`), `[${records.join(", ")}]`);
    await rm(file);
  }
  await changeManifest(folder, (own) => ({ ...own, format: 1 }));
  await signAgain(folder);
}

for (const [smallTableInBytes, format] of [
  [0, 2],
  [1024 * 1024, 1],
] as const) {
  const how = smallTableInBytes === 0 ? "online" : "in one transaction, from the first format";
  test(`a rollback is undone by running the stage again with what it kept, ${how}`, async () => {
    const { database, project } = await lived(`attribution ${how}`);
    const { session } = database;
    const before = await contents(session);
    const back = await project.tenantry("rollback", "--yes", "--despite-guards");
    expect(back).toMatchObject({ code: 0 });
    expect(back.stderr).toContain(
      "row ownership saved. To restore it: tenantry run --stage day1 --attribution",
    );
    const [kept = ""] = await keptIn(project);
    if (format === 1) await asFormat1(path.join(project.folder, "backups", kept));

    await session.execute(
      sql`INSERT INTO leads (person_id, phone) VALUES (5, 'later'), (1, 'later')`,
    );
    await session.execute(sql`INSERT INTO person VALUES (9, 'person9')`);
    await project.configure({ ...config, online: { ...config.online, smallTableInBytes } });
    const again = ["run", "--yes", "--stage", "day1", "--attribution", path.join("backups", kept)];
    const outcome = await project.tenantry(...again);
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
    expect(outcome.stderr).toContain("public.keyless has no key: its rows go by their source");

    await session.execute(sql`DELETE FROM organization_users WHERE user_id = 9`);
    expect(await contents(session)).toEqual(before);
    const later = await session.rows(
      sql`SELECT organization_id::text AS id FROM leads WHERE phone = 'later' ORDER BY person_id`,
      z.object({ id: z.string() }),
    );
    expect(later.map(({ id }) => id)).toEqual(["default-org", "alpha"].map(organizationId));
    const loaded = sql`SELECT relname FROM pg_class WHERE relname LIKE 'kept\\_%'`;
    expect(await session.rows(loaded, z.unknown())).toEqual([]);
  });
}

/** A jsonb array holds 256 MB, which is about 2.4 million memberships. */
const moreThanOneValueHolds = sql`
  INSERT INTO organizations (name, slug, settings)
  SELECT 'Large ' || n, 'large-' || n, jsonb_build_object('text', repeat('x', 48000000))
    FROM generate_series(1, 6) AS n
`;

test("a rollback keeps more than one value holds; what is damaged, or another stage's, is refused", async () => {
  const { database, project } = await lived("attribution refused");
  const { session, url } = database;
  await session.execute(moreThanOneValueHolds);
  const back = await project.tenantry("rollback", "--yes", "--despite-guards");
  expect(back, back.stderr).toMatchObject({ code: 0 });
  const [kept = ""] = await keptIn(project);
  const folder = path.join(project.folder, "backups", kept);
  const wanted = { stage: "day1", database: await readDatabaseIdentity(session) } as const;
  await loadAttribution({ url }, folder, await readAttribution(folder, wanted));
  const loaded = sql`
    SELECT sum(length(record->'settings'->>'text'))::integer AS characters
      FROM tenantry.kept_organizations
  `;
  expect(await session.rows(loaded, z.unknown())).toEqual([{ characters: 288_000_000 }]);

  const { fingerprint } = await readSnapshot(database.session);
  const run = (stage: string) =>
    project.tenantry("run", "--yes", "--stage", stage, "--attribution", folder);
  await appendFile(path.join(folder, "memberships.copy.gz"), " ");
  const altered = await run("day1");
  expect(altered).toMatchObject({ code: 2 });
  expect(altered.stderr).toContain("altered: memberships.copy.gz");
  await rm(path.join(folder, "manifest.json"));
  expect(await run("day1")).toMatchObject({ code: 2 });
  expect((await readSnapshot(database.session)).fingerprint.digest).toBe(fingerprint.digest);
});

test("where nothing can be kept nothing is undone, unless it is to be lost", async () => {
  const { database, project } = await lived("attribution unwritable");
  const before = await contents(database.session);
  await writeFile(path.join(project.folder, "in-the-way"), "");
  await project.configure({ ...config, backups: { folder: "in-the-way/backups" } });
  const refused = await project.tenantry("rollback", "--yes", "--despite-guards");
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain("--lose-attribution");
  expect(await contents(database.session)).toEqual(before);
  const lost = ["rollback", "--yes", "--despite-guards", "--lose-attribution"];
  expect(await project.tenantry(...lost)).toMatchObject({ code: 0 });
});

test("the script that is printed from the journal undoes the stage with psql alone", async () => {
  const database = await createDatabase("print sql");
  const { session, url } = database;
  await makeSmallCompany(session, 300);
  const { fingerprint: before } = await readSnapshot(session);
  const project = await makeProject(url, smallCompany);
  await project.tenantry("run", "--yes");
  await rm(path.join(project.folder, "backups"), { recursive: true });
  const printed = await project.tenantry("rollback", "--all", "--print-sql");
  expect(printed).toMatchObject({ code: 0, stderr: "" });
  const { exitCode } = await execa("psql", ["--quiet", url], { input: printed.stdout });
  expect(exitCode).toBe(0);
  expect((await readSnapshot(session)).fingerprint.digest).toBe(before.digest);
});
