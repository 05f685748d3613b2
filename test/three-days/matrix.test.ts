import { describe, expect, test } from "vitest";
import { z } from "zod";
import { demoConfig } from "../../src/demo/config.ts";
import { makeDialler } from "../../src/demo/dialler.ts";
import { startOldApplication } from "../../src/demo/old-application.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { ident, list, literal, sql } from "../../src/postgres/sql.ts";
import { stageNames } from "../../src/steps/model/stage.ts";
import { createDatabase } from "../setup/database.ts";
import { majors, versions } from "../setup/majors.ts";
import { makeProject } from "../setup/project.ts";
import { thorough } from "../setup/thorough.ts";
import { daysOn } from "./in-process.ts";
import {
  expectDone,
  expectFingerprint,
  type Fingerprint,
  fingerprintOf,
  rollAllBack,
  runAndVerify,
  testTimeout,
  texts,
} from "./three-days.ts";

const tables = [demoConfig.day1, demoConfig.day2].flatMap((day) => Object.keys(day.tables));
/** Some of the dialler's tables are over this limit, some under it. */
const config = { ...demoConfig, online: { smallTableInBytes: 64 * 1024 } };
const inReverse = stageNames.toReversed();

/** A sum over all rows of each table, of the columns that it has now. */
async function readChecksums(session: Session): Promise<() => Promise<Record<string, string>>> {
  const columns = await session.rows(
    sql`
      SELECT table_name::text AS "table", array_agg(column_name::text ORDER BY ordinal_position) AS columns
        FROM information_schema.columns
       WHERE table_schema = 'public'
       GROUP BY table_name
    `,
    z.object({ table: z.string(), columns: z.array(z.string()) }),
  );
  return async () => {
    const sums: Record<string, string> = {};
    for (const { table, columns: names } of columns) {
      const [sum] = await texts(
        session,
        sql`
          SELECT count(*) || ' ' || md5(string_agg(md5(ROW(${list(names.map((name) => ident(name)))})::text), '' ORDER BY id)) AS text
            FROM ${ident({ schema: "public", name: table })}
        `,
      );
      sums[table] = sum ?? "";
    }
    return sums;
  };
}

async function tablesWithColumn(session: Session): Promise<string[]> {
  return texts(
    session,
    sql`
      SELECT table_name::text AS text
        FROM information_schema.columns
       WHERE table_schema = 'public'
         AND column_name = 'organization_id'
         AND table_name <> 'organization_users'
         AND is_nullable = 'NO'
       ORDER BY 1
    `,
  );
}

async function countRows(session: Session): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of tables) {
    const [count] = await texts(
      session,
      sql`SELECT count(*)::text AS text FROM ${ident({ schema: "public", name })}`,
    );
    counts[name] = Number(count);
  }
  return counts;
}

/** For the sessions that come. */
async function alter(session: Session, name: string, setting: string, to: string): Promise<void> {
  await session.execute(sql`ALTER DATABASE ${ident(name)} SET ${ident(setting)} = ${literal(to)}`);
}

describe.each(versions)("PostgreSQL $version", ({ version, major, start }) => {
  test("each day is undone to the schema before it, and no row changes", async () => {
    const server = await start();
    const { session, url } = await createDatabase(`days on ${version}`, server.url);
    await makeDialler(session, { rows: 4000 });
    const checksums = await readChecksums(session);
    const rows = await checksums();
    expect(Object.keys(rows)).toHaveLength(20);
    const days = await daysOn(url, config);

    const before = new Map<string, Fingerprint>();
    for (const stage of stageNames) {
      before.set(stage, await fingerprintOf(session));
      await days.run(stage);
    }
    for (const stage of stageNames) await days.verify(stage);
    expect(await tablesWithColumn(session)).toEqual(tables.toSorted());
    expect(await checksums()).toEqual(rows);

    for (const stage of inReverse) {
      await days.rollBack(stage);
      const earlier = before.get(stage);
      if (earlier === undefined) throw new Error(`no fingerprint before ${stage}`);
      await expectFingerprint(session, earlier);
      expect(await checksums()).toEqual(rows);
    }
    expect(await tablesWithColumn(session)).toEqual([]);
  });

  const isOne = thorough || major === Math.max(...majors);
  test.skipIf(!isOne)(
    "the old application notices nothing of the three days and of their rollback",
    async () => {
      const server = await start();
      const { session, url, name } = await createDatabase(
        `old application on ${version}`,
        server.url,
      );
      await makeDialler(session, { rows: 4000 });
      await alter(session, name, "default_transaction_isolation", "repeatable read");
      if (major >= 17) await alter(session, name, "transaction_timeout", "20ms");
      const before = await fingerprintOf(session);
      const counts = await countRows(session);
      const days = await daysOn(url, config);
      const application = await startOldApplication(url);
      let report = application.report();
      try {
        for (const stage of stageNames) await days.run(stage);
        for (const stage of stageNames) await days.verify(stage);
        for (const stage of inReverse) await days.rollBack(stage);
      } finally {
        report = await application.stop();
      }
      expect(report.failures).toEqual([]);
      expect(report.failed).toBe(0);
      expect(report.writes).toBeGreaterThan(100);
      expect(report.longestWaitInMilliseconds).toBeLessThan(1000);
      const inserted = (name: string) =>
        (report.insertedByTable[name] ?? 0) - (report.deletedByTable[name] ?? 0);
      expect(await countRows(session)).toEqual(
        Object.fromEntries(tables.map((name) => [name, (counts[name] ?? 0) + inserted(name)])),
      );
      await expectFingerprint(session, before);
    },
  );
});

test(
  "by the command line, days are undone alone, run again, and undone all at once under writes",
  async () => {
    const { session, url } = await createDatabase("days by the command line");
    await makeDialler(session, { rows: 4000 });
    const before = await fingerprintOf(session);
    const project = await makeProject(url, config);
    const application = await startOldApplication(url);
    let report = application.report();
    try {
      await runAndVerify(project);
      for (const stage of ["day3", "day2"]) {
        expectDone(await project.tenantry("rollback", "--stage", stage, "--yes"));
      }
      expectDone(await project.tenantry("run", "--yes"));
      await rollAllBack(project, session, before);
    } finally {
      report = await application.stop();
    }
    expect(report.failures).toEqual([]);
    expect(report.longestWaitInMilliseconds).toBeLessThan(1000);
  },
  testTimeout,
);
