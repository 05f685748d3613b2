import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { readReachedRoles, readRolesBeside } from "../../src/catalog/request-roles.ts";
import { leakproofOids } from "../../src/catalog/server/leakproof.ts";
import { openSession } from "../../src/postgres/connection.ts";
import { rolledBack } from "../../src/postgres/rolled-back.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { majors, oldestAndNewest, serverOf } from "../setup/majors.ts";

async function sessionOf(major: number) {
  const { url } = await serverOf(major);
  const session = await openSession({ url }, "tenantry tests");
  onTestFinished(() => session.close());
  return session;
}

const made = `
  CREATE ROLE reach_login LOGIN NOINHERIT;
  CREATE ROLE reach_app;
  CREATE ROLE reach_group;
  CREATE ROLE reach_beside;
  CREATE ROLE reach_behind;
  CREATE ROLE reach_trusted;
  CREATE ROLE reach_behind_trusted;
  CREATE ROLE reach_nobody;
  GRANT reach_app, reach_beside, reach_trusted TO reach_login;
  GRANT reach_group TO reach_app;
  GRANT reach_behind TO reach_beside;
  GRANT reach_behind_trusted TO reach_trusted;
`;

const requests = { starts: ["reach_app", "reach_login"], trusted: ["reach_trusted"] };

test.each(oldestAndNewest)(
  "the roles of requests are computed from the login on (%s)",
  async (major) => {
    const session = await sessionOf(major);
    await rolledBack(session, async (queries) => {
      await queries.execute(raw(made));
      const reached = await readReachedRoles(queries, requests);
      expect(reached.filter(({ becomes }) => becomes).map(({ role }) => role)).toEqual([
        "reach_app",
        "reach_behind",
        "reach_beside",
        "reach_group",
        "reach_login",
        "reach_trusted",
      ]);
      // The group's privileges are those of reach_app, which is looked at anyway.
      const beside = await readRolesBeside(queries, requests, [
        ...requests.starts,
        ...requests.trusted,
      ]);
      expect(beside.map(({ role, by }) => `${role}: ${by}`)).toEqual([
        "reach_behind: reach_beside",
        "reach_beside: reach_login",
      ]);
      for (const { revoke } of beside) await queries.execute(raw(revoke ?? ""));
      expect(
        await readRolesBeside(queries, requests, [...requests.starts, "reach_trusted"]),
      ).toEqual([]);
    });
  },
);

test.runIf(majors.some((major) => major >= 16))(
  "since 16, a membership without SET is no way to a role, but one with ADMIN is",
  async () => {
    const session = await sessionOf(Math.max(...majors));
    await rolledBack(session, async (queries) => {
      await queries.execute(
        raw(`
          CREATE ROLE reach_login LOGIN;
          CREATE ROLE reach_app;
          CREATE ROLE reach_inherited;
          CREATE ROLE reach_nothing;
          CREATE ROLE reach_admin;
          GRANT reach_app TO reach_login WITH INHERIT FALSE, SET TRUE;
          GRANT reach_inherited TO reach_login WITH INHERIT TRUE, SET FALSE;
          GRANT reach_nothing TO reach_login WITH INHERIT FALSE, SET FALSE;
          GRANT reach_admin TO reach_login WITH INHERIT FALSE, SET FALSE, ADMIN TRUE;
        `),
      );
      const reached = await readReachedRoles(queries, requests);
      expect(reached.map(({ role, becomes }) => `${role} ${becomes}`)).toEqual([
        "reach_admin true",
        "reach_app true",
        "reach_inherited false",
        "reach_login true",
      ]);
    });
  },
);

test.each(majors)(
  "PostgreSQL %s ships exactly the LEAKPROOF functions of its list",
  async (major) => {
    const session = await sessionOf(major);
    const rows = await session.rows(
      sql`SELECT oid::integer AS oid FROM pg_proc WHERE proleakproof AND oid < 16384 ORDER BY oid`,
      z.object({ oid: z.number() }),
    );
    const known = leakproofOids(major * 10_000) ?? [];
    expect([...known].sort((one, other) => one - other)).toEqual(rows.map(({ oid }) => oid));
    expect(leakproofOids(190_000)).toBeUndefined();
  },
);
