import { expect } from "vitest";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { raw } from "../../src/postgres/sql.ts";
import type { ServerBinaries } from "../../src/scratch/binaries.ts";
import { findMinors } from "../setup/majors.ts";
import type { Outcome } from "../setup/project.ts";
import { makeSmallCompany } from "../setup/small-company.ts";

export type Direction = {
  readonly from: string;
  readonly to: string;
  readonly one: ServerBinaries;
  readonly other: ServerBinaries;
};

const found = findMinors();

function direction(one: ServerBinaries, other: ServerBinaries): Direction {
  return { from: one.version, to: other.version, one, other };
}

/** From the older minor to the newer and the other way; none where this machine has one minor only. */
export const directions: readonly Direction[] =
  found === undefined
    ? []
    : [direction(found.older, found.newer), direction(found.newer, found.older)];

/** What minors of 2026 print in other words, and options that a fingerprint has to keep. */
const printedAnew = [
  "CREATE TABLE notes (id int PRIMARY KEY, at timestamptz NOT NULL, body xml, lead_id bigint)",
  "ALTER TABLE notes ALTER COLUMN id SET (n_distinct = 5)",
  "ALTER TABLE notes SET (fillfactor = 70, autovacuum_enabled = off)",
  "CREATE INDEX notes_document ON notes (id) WHERE NOT body IS DOCUMENT",
  "CREATE POLICY documents ON notes USING (body IS DOCUMENT AND extract('YEAR' FROM at) > 2000)",
  "CREATE VIEW years WITH (security_barrier, check_option = local) AS SELECT id, at FROM notes WHERE extract('YEAR' FROM at) > 2000",
  "CREATE RULE renumber AS ON UPDATE TO notes DO ALSO UPDATE settings AS other SET value = 'seen' WHERE other.name = new.lead_id::text",
  `CREATE FUNCTION forget(which int) RETURNS void LANGUAGE sql
   BEGIN ATOMIC
     DELETE FROM ONLY notes AS old USING settings AS s WHERE old.id = which AND s.name = 'forget';
   END`,
  "INSERT INTO notes VALUES (1, '2026-11-12', '<a/>', 1)",
];

/** The small company, with all of that in it. */
export async function makeCompany(url: string): Promise<void> {
  await on(url, async (session) => {
    await makeSmallCompany(session, 200);
    for (const statement of printedAnew) await session.execute(raw(statement));
  });
}

export async function on<Result>(
  url: string,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const session = await openSession({ url }, "tenantry tests");
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

export function expectDone({ code, stdout, stderr }: Outcome): void {
  expect(code, stdout + stderr).toBe(0);
}
