import { readdir } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { thorough } from "../setup/thorough.ts";
import {
  type HostileNames,
  hostileConfig,
  hostileTables,
  makeHostileApplication,
  misplacedRows,
} from "./hostile-application.ts";
import { makePlainApplication, plainConfig } from "./plain-application.ts";
import {
  expectDone,
  expectFingerprint,
  fingerprintOf,
  rollAllBack,
  runAndVerify,
  testTimeout,
  texts,
} from "./three-days.ts";

const ownNames: HostileNames = {
  organizationColumn: "the; organization's $1 \n--",
  organizations: '"organizations".x',
  memberships: "who; belongs -- to $function$ \\",
  helpers: "help\"er's; $1.\n",
};

const cases = [
  ["tables over the limit", "public", 0],
  ["small tables", "the other", undefined],
] as const;

test.each(thorough ? cases : cases.slice(0, 1))(
  "hostile names are no different from others: %s",
  async (title, schema, smallTableInBytes) => {
    const { session, url } = await createDatabase(`hostile ${title}`);
    await makeHostileApplication(session);
    const before = await fingerprintOf(session);
    const config = hostileConfig(ownNames, schema, smallTableInBytes);
    const project = await makeProject(url, config);

    await runAndVerify(project);

    for (const table of hostileTables) {
      const misplaced = await texts(session, misplacedRows(table, config));
      expect(misplaced, JSON.stringify(table)).toEqual([]);
    }
    await rollAllBack(project, session, before);
  },
  testTimeout,
);

const identity = { kind: "setting", setting: "app.user_id" } as const;

test("the organizations' column may have double quotes in its name", async () => {
  const { session, url } = await createDatabase("hostile column");
  await makePlainApplication(session);
  const before = await fingerprintOf(session);
  const names = { organizationColumn: 'the "organization"' };
  const project = await makeProject(url, { ...plainConfig(identity), names });
  await runAndVerify(project);
  const audited = await project.tenantry("audit", "--json");
  expect(audited.stdout).toContain("foreign-key-across");
  expect(audited.stdout).not.toContain("no-guard");
  await rollAllBack(project, session, before);
});

test("a table whose name has a dot is another one than the table that it looks like", async () => {
  const { session, url } = await createDatabase("hostile dot");
  await makePlainApplication(session);
  await session.execute(sql`CREATE SCHEMA sales`);
  for (const table of [sql`public."sales.note"`, sql`sales.note`]) {
    await session.execute(sql`
      CREATE TABLE ${table} AS SELECT id AS owned_by FROM public.app_user
    `);
  }
  const before = await fingerprintOf(session);
  const config = plainConfig(identity);
  const project = await makeProject(url, {
    ...config,
    day2: {
      tables: {
        ...config.day2.tables,
        '"sales.note"': { user: "owned_by" },
        "sales.note": { user: "owned_by" },
      },
    },
  });
  await runAndVerify(project);
  await rollAllBack(project, session, before);
});

test(
  "psql alone undoes hostile names, by the rollback.sql beside each backup",
  async () => {
    const { session, url } = await createDatabase("hostile rollback.sql");
    await makeHostileApplication(session);
    const before = await fingerprintOf(session);
    const project = await makeProject(url, hostileConfig(ownNames, "public", 0));
    expectDone(await project.tenantry("run", "--yes"));

    const folder = path.join(project.folder, "backups");
    const backups = (await readdir(folder)).filter((name) => name.startsWith("day"));
    expect(backups).toHaveLength(3);
    for (const backup of backups.toSorted().reverse()) {
      const script = path.join(folder, backup, "rollback.sql");
      await execa("psql", ["--no-psqlrc", "--quiet", "--file", script, url]);
    }
    await expectFingerprint(session, before);
  },
  testTimeout,
);
