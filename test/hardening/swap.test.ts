import { execa } from "execa";
import { describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import type { Config } from "../../src/config/schema.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, raw, sql } from "../../src/postgres/sql.ts";
import { killedProgram } from "../setup/built-program.ts";
import { createDatabase } from "../setup/database.ts";
import { oldestAndNewest, serverOf } from "../setup/majors.ts";
import { makeProject, type Project } from "../setup/project.ts";
import { thorough } from "../setup/thorough.ts";
import { daysOn } from "../three-days/in-process.ts";
import { commentsOf, hardenedKeys, makeKeyedCompany, orphan, schemaOf } from "./keyed-company.ts";

const long = { timeout: 900_000 };

test(
  "hardening changes keys and indexes only where it says so, and undone leaves the very schema that pg_dump wrote",
  long,
  async () => {
    const { session, url } = await createDatabase("swap exact");
    await makeKeyedCompany(session);
    const place = `swap_${process.pid}`;
    await session.execute(raw("SET allow_in_place_tablespaces = on"));
    await session.execute(sql`CREATE TABLESPACE ${ident(place)} LOCATION ''`);
    await session.execute(
      sql`CREATE UNIQUE INDEX elsewhere ON notes (label) TABLESPACE ${ident(place)} WHERE label <> ''`,
    );
    const days = await daysOn(url, hardenedKeys);
    await days.run("day1");
    await days.run("day2");
    const before = await schemaOf(url);
    const comments = await commentsOf(session);
    expect(comments).toHaveLength(5);
    await days.run("day3");
    expect(await commentsOf(session)).toEqual(comments);
    const hardened = await schemaOf(url);
    expect(hardened.match(/.*_per_organization.*/g)).toEqual(
      before.match(/.*_per_organization.*/g),
    );
    for (const line of [
      `SET default_tablespace = ${place};`,
      'ALTER INDEX public."a label, once" ALTER COLUMN 2 SET STATISTICS 500;',
      'ALTER TABLE public.leads CLUSTER ON "a phone, once";',
    ]) {
      expect(hardened).toContain(line);
    }
    await days.verify("day3");
    await days.rollBack("day3");
    expect(await schemaOf(url)).toBe(before);
    await session.execute(raw("DROP INDEX elsewhere"));
    await session.execute(sql`DROP TABLESPACE ${ident(place)}`);
  },
);

describe.for(thorough ? oldestAndNewest : oldestAndNewest.slice(-1))("PostgreSQL %i", (major) => {
  test(
    "keys of every kind name the organization, with their comments, and go back",
    long,
    async () => {
      const { session, url } = await createDatabase(`swap ${major}`, (await serverOf(major)).url);
      await makeKeyedCompany(session);
      const days = await daysOn(url, hardenedKeys);
      await days.run("day1");
      await days.run("day2");
      const { fingerprint } = await readSnapshot(session);
      const comments = await commentsOf(session);
      await days.run("day3");
      expect(await commentsOf(session)).toEqual(comments);
      await days.rollBack("day3");
      expect((await readSnapshot(session)).fingerprint).toEqual(fingerprint);
      expect(await commentsOf(session)).toEqual(comments);
    },
  );
});

const one: Config = {
  ...hardenedKeys,
  hardening: {
    foreignKeys: ['notes.of a "lead"'],
    uniqueConstraints: ["notes.a label, once"],
  },
};

async function killedAt(project: Project, url: string, event: number, ...args: string[]) {
  const { stdout } = await execa(
    process.execPath,
    [killedProgram, String(event), ...args, "--yes", "--json"],
    { cwd: project.folder, env: { DATABASE_URL: url }, reject: false, stdin: "ignore" },
  );
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  return lines.filter((line) => !/"kind":"(backup-progress|step-waiting)"/.test(line));
}

/** The events behind what is committed. */
function boundaries(events: readonly string[], kind: string): number[] {
  return events.flatMap((line, index) =>
    z.object({ kind: z.string() }).parse(JSON.parse(line)).kind === kind ? [index + 1] : [],
  );
}

/** Does something with a copy of a database. */
async function onCopy(
  template: string,
  work: (copy: { readonly session: Session; readonly url: string }) => Promise<void>,
): Promise<void> {
  const name = `${template.slice(0, 50)}_copy`;
  const server = await openSession({ url: inject("databaseUrl") });
  await server.execute(sql`DROP DATABASE IF EXISTS ${ident(name)} WITH (FORCE)`);
  await server.execute(sql`CREATE DATABASE ${ident(name)} TEMPLATE ${ident(template)}`);
  const url = new URL(inject("databaseUrl"));
  url.pathname = `/${name}`;
  const session = await openSession({ url: url.href });
  try {
    await work({ session, url: url.href });
  } finally {
    await session.close();
    await server.execute(sql`DROP DATABASE ${ident(name)} WITH (FORCE)`);
    await server.close();
  }
}

test(
  "a Day 3 that is killed between any two steps goes on, or goes back, and so does its rollback",
  long,
  async () => {
    const template = await createDatabase("swap killed");
    await makeKeyedCompany(template.session);
    const first = await makeProject(template.url, one);
    for (const stage of ["day1", "day2"]) {
      expect(await first.tenantry("run", "--yes", "--stage", stage)).toMatchObject({ code: 0 });
    }
    const before = await schemaOf(template.url);
    await template.session.close();

    let runs: number[] = [];
    let rollbacks: number[] = [];
    let wanted = "";
    await onCopy(template.name, async ({ url }) => {
      const project = await makeProject(url, one);
      runs = boundaries(await killedAt(project, url, -1, "run"), "step-applied");
      wanted = await schemaOf(url);
      rollbacks = boundaries(await killedAt(project, url, -1, "rollback"), "step-undone");
      expect(await schemaOf(url)).toBe(before);
    });
    expect(runs.length).toBe(8);
    expect(rollbacks.length).toBe(8);

    for (const event of runs.filter((_, index) => thorough || index % 3 === 1)) {
      await onCopy(template.name, async ({ url, session }) => {
        const project = await makeProject(url, one);
        await killedAt(project, url, event, "run", "--stage", "day3");
        expect([event, (await project.tenantry("rollback", "--yes")).code]).toEqual([event, 0]);
        expect([event, await schemaOf(url)]).toEqual([event, before]);
        await killedAt(project, url, event, "run", "--stage", "day3");
        expect([event, (await project.tenantry("run", "--yes")).code]).toEqual([event, 0]);
        expect([event, await schemaOf(url)]).toEqual([event, wanted]);
        const undone = rollbacks[runs.indexOf(event)] ?? 0;
        await killedAt(project, url, undone, "rollback");
        // Whatever happened in between, the rollback can be finished.
        await orphan(session, "DELETE FROM leads WHERE id = 7");
        const back = await project.tenantry("rollback", "--stage", "day3", "--yes");
        expect([undone, back.code]).toEqual([undone, expect.toBeOneOf([0, 3])]);
        expect(await schemaOf(url)).toBe(
          back.code === 0
            ? before
            : before.replace(
                /(\(lead_id\) REFERENCES public\.leads\(id\) ON UPDATE CASCADE);/,
                "$1 NOT VALID;",
              ),
        );
      });
    }

    // The third step adds the triggers and proves the rows: what fails there leaves the old key as it was.
    await onCopy(template.name, async ({ url, session }) => {
      const project = await makeProject(url, one);
      const seen = await killedAt(project, url, runs[2] ?? 0, "run");
      expect(seen.at(-1)).toContain("/foreign-key-triggers");
      await orphan(session, "DELETE FROM leads WHERE id = 7");
      const failed = await project.tenantry("run", "--yes");
      expect(failed).toMatchObject({ code: 3 });
      expect(failed.stderr).toContain("1 of 200 notes refer to a missing row of leads (id 7)");
      expect(failed.stderr).toContain("day3 was rolled back; the schema is as it was before it");
      expect(await schemaOf(url)).toBe(before);
    });
  },
);
