import { expect, test } from "vitest";
import { parseSettings } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import type { CheckResult } from "../../src/events/verification.ts";
import { runInForce } from "../../src/journal/journal.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { prove } from "../../src/verify/stage.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

const config: Config = {
  ...smallCompany,
  day2: { tables: { settings: "default", bookings: "default", wishes: { via: "lead_id" } } },
};

/** Columns of every kind that cannot be left out. */
const empty = `
  CREATE TYPE mood AS ENUM ('calm', 'loud');
  CREATE DOMAIN phone AS text NOT NULL CHECK (VALUE IN ('home', 'work'));
  CREATE TABLE bookings (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    old_number serial,
    person_id bigint NOT NULL REFERENCES person,
    mood mood NOT NULL,
    phone phone,
    kind text NOT NULL CHECK (kind IN ('single', 'double')),
    day date NOT NULL,
    at timestamptz NOT NULL,
    during tstzrange NOT NULL,
    price numeric(8, 2) NOT NULL,
    weight real NOT NULL,
    code char(2) NOT NULL,
    address inet NOT NULL,
    paid boolean NOT NULL,
    tags text[] NOT NULL,
    more jsonb NOT NULL,
    picture bytea NOT NULL,
    lasts interval NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    twice numeric GENERATED ALWAYS AS (price * 2) STORED,
    note text
  );
  CREATE TABLE wishes (id bigint PRIMARY KEY, lead_id bigint NOT NULL REFERENCES leads, shape point NOT NULL);
  GRANT ALL ON bookings, wishes TO small_company_app`;

async function proof(session: Session): Promise<CheckResult[]> {
  const run = await runInForce(session, "day2");
  if (run === undefined) throw new Error("Day 2 is not applied");
  return prove(session, parseSettings(config, "the configuration"), run, "and around it");
}

test("an empty table is tried with rows of the proof's own, and what is open there is seen", async () => {
  const { session, url } = await createDatabase("empty tables");
  await makeSmallCompany(session, 40);
  await session.execute(sql`${raw(empty)}`);
  const project = await makeProject(url, config);
  expect(await project.tenantry("run", "--yes", "--stage", "day1")).toMatchObject({ code: 0 });
  const day2 = await project.tenantry("run", "--yes", "--stage", "day2");
  expect(day2, day2.stderr).toMatchObject({ code: 0 });
  const whole = await proof(session);
  expect(whole.flatMap(({ violations }) => violations)).toEqual([]);
  const bookings = whole.filter(({ trial }) => trial?.table === "bookings");
  expect(bookings.map(({ trial }) => trial?.commands)).toEqual(
    bookings.map(() => ({
      SELECT: "held",
      INSERT: "held",
      UPDATE: "held",
      DELETE: "held",
      TRUNCATE: "held",
    })),
  );
  // No value of a point is known: that is said, and no read of the table is called held for nothing.
  const [untried] = whole.find(({ trial }) => trial?.table === "wishes")?.unproven ?? [];
  expect(untried?.what).toMatch(/^wishes: it has no rows and none could be inserted/);
  await session.execute(
    sql`${raw(`DROP POLICY "Only their org's bookings" ON bookings; CREATE POLICY old ON bookings USING (TRUE)`)}`,
  );
  const open = (await proof(session)).flatMap(({ violations }) => violations).join("\n");
  expect(open).toMatch(/sees 2 rows, of which 1 are others'; 1 are theirs/);
  expect(open).toContain("a blind UPDATE got through");
  const { stdout } = await project.tenantry("status");
  expect(stdout).not.toContain("test-client");
  const left = await session.execute(sql`SELECT FROM bookings`);
  expect(left).toBe(0);
});
