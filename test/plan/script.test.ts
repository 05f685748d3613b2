import { writeFile } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import type { Config } from "../../src/config/schema.ts";
import { demoConfig } from "../../src/demo/config.ts";
import { makeDialler } from "../../src/demo/dialler.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { hostileConfig, makeHostileApplication } from "../three-days/hostile-application.ts";
import { makePlainApplication, plainConfig } from "../three-days/plain-application.ts";
import {
  expectDone,
  expectFingerprint,
  fingerprintOf,
  testTimeout,
  texts,
} from "../three-days/three-days.ts";

type Application = (session: Session) => Promise<unknown>;

const applications: readonly [string, Application, Config][] = [
  [
    "the dialler",
    (session) => makeDialler(session, { rows: 4000 }),
    { ...demoConfig, online: { smallTableInBytes: 64 * 1024 } },
  ],
  [
    "plain PostgreSQL, all of it online",
    makePlainApplication,
    { ...plainConfig({ kind: "jwt-claim" }), online: { smallTableInBytes: 0 } },
  ],
  ["hostile names, all of it online", makeHostileApplication, hostileConfig({}, "the other", 0)],
];

/** What each organization has of each table, as one sum a table. */
async function organizations(session: Session): Promise<string[]> {
  const tables = await texts(
    session,
    sql`
      SELECT format('%I.%I', table_schema, table_name) AS text
        FROM information_schema.columns
       WHERE column_name = 'organization_id'
         AND table_schema <> 'tenantry'
         AND table_name <> 'organization_users'
       ORDER BY 1
    `,
  );
  const sums: string[] = [];
  for (const table of tables) {
    sums.push(
      ...(await texts(
        session,
        sql`
          SELECT md5(string_agg(row::text, '' ORDER BY row::text)) || ${` ${table}`} AS text
            FROM ${raw(table)} AS record
           -- The dialler's rows are the same every time, but for these two moments.
           CROSS JOIN LATERAL (SELECT to_jsonb(record) - 'scheduled_at' - 'assigned_at' AS row) AS timeless
        `,
      )),
    );
  }
  return sums;
}

test.each(applications)(
  "psql runs the plan as a script to the same schema and rows as tenantry run: %s",
  async (title, make, config) => {
    const [one, other] = await Promise.all([
      createDatabase(`script ${title}`),
      createDatabase(`run ${title}`),
    ]);
    // One after the other: making them makes roles too, which belong to the whole server.
    await make(one.session);
    await make(other.session);
    await expectFingerprint(other.session, await fingerprintOf(one.session));

    const project = await makeProject(one.url, config);
    const script = await project.tenantry("plan", "--sql");
    expectDone(script);
    const file = path.join(project.folder, "plan.sql");
    await writeFile(file, script.stdout);
    await execa("psql", ["--no-psqlrc", "--quiet", "--file", file, one.url]);
    expectDone(await (await makeProject(other.url, config)).tenantry("run", "--yes"));

    await expectFingerprint(one.session, await fingerprintOf(other.session));
    const written = await organizations(other.session);
    expect(written.length).toBeGreaterThan(0);
    expect(await organizations(one.session)).toEqual(written);
  },
  testTimeout,
);
