import { readdir } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { serverWith } from "../setup/majors.ts";
import { makeProject } from "../setup/project.ts";
import { directions, expectDone, makeCompany, on } from "./company.ts";
import { config } from "./config.ts";
import { makeDataFolder } from "./data-folder.ts";

test.skipIf(directions.length === 0)(
  "there are two minors of one major here, for the tests of this file",
  () => expect(directions).toHaveLength(2),
);

describe.each(directions)("from PostgreSQL $from to $to", ({ from, to, one, other }) => {
  test("a backup is verified, restored and rehearsed on the other minor", async () => {
    const source = await createDatabase(`backup ${from} ${to}`, (await serverWith(one)).url);
    await makeCompany(source.url);
    const project = await makeProject(source.url, config);
    expectDone(await project.tenantry("backup"));
    const backups = path.join(project.folder, "backups");
    const [name = ""] = (await readdir(backups)).filter((file) => file.startsWith("manual-"));
    const folder = path.join(backups, name);
    const elsewhere = await serverWith(other);

    const verified = await project.tenantry("backup", "verify", folder, "--scratch", elsewhere.url);
    expectDone(verified);
    expect(verified.stdout).toContain(" holds: restored into ");
    expect(verified.stdout).not.toContain("note:");

    const into = new URL(elsewhere.url);
    into.pathname = `/${source.name}_elsewhere`;
    expectDone(await project.tenantry("restore", folder, "--into", into.href));
    const kept = await on(into.href, (session) =>
      session.rows(
        sql`
          SELECT attname::text || ' ' || o AS option
            FROM pg_attribute, unnest(attoptions) AS o
           WHERE attrelid = 'notes'::regclass
             AND o !~ '^pg_'
        `,
        z.object({ option: z.string() }),
      ),
    );
    expect(kept).toEqual([{ option: "id n_distinct=5" }]);

    const rehearsed = ["--backup", folder, "--scratch", elsewhere.url, "--writes-per-second", "5"];
    expectDone(await project.tenantry("rehearse", ...rehearsed));
  });

  test("a journal of the one minor is read, held against the schema, and undone on the other", async () => {
    const data = await makeDataFolder(one);
    await makeCompany(data.url);
    const project = await makeProject(data.url, config);
    expectDone(await project.tenantry("run", "--yes"));

    await data.updateTo(other);
    const drift = await project.tenantry("audit", "--drift");
    expectDone(drift);
    expect(drift.stdout).toContain(": 0 changes of what the fence stands on");
    expectDone(await project.tenantry("--stage", "day3", "--verify"));
    expectDone(await project.tenantry("backup", "verify"));
    expectDone(await project.tenantry("rollback", "--all", "--yes"));
  });

  test("a stage that began on the one minor is undone there after the other took the next", async () => {
    const data = await makeDataFolder(one);
    await makeCompany(data.url);
    const project = await makeProject(data.url, config);
    expectDone(await project.tenantry("run", "--stage", "day1", "--yes"));

    await data.updateTo(other);
    expectDone(await project.tenantry("run", "--stage", "day2", "--yes"));
    expectDone(await project.tenantry("run", "--stage", "day3", "--yes"));
    expectDone(await project.tenantry("rollback", "--stage", "day3", "--yes"));

    await data.updateTo(one);
    expectDone(await project.tenantry("audit", "--drift"));
    expectDone(await project.tenantry("rollback", "--all", "--yes"));
  });
});
