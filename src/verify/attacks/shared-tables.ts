import { z } from "zod";
import { ident, list, sql } from "../../postgres/sql.ts";
import { attempt } from "../proof/attempt.ts";
import type { Violation } from "../proof/violation.ts";
import type { Tried } from "../tables/try-writes.ts";
import { type AttackSetup, attackersRequest, joinOnly, labelOf } from "./attack-setup.ts";
import { isAccepted } from "./surroundings.ts";

/** A member can only read shared tables: deleting, changing and copying a row must fail. */
export async function trySharedTables(setup: AttackSetup): Promise<Tried> {
  const { queries, settings } = setup;
  await joinOnly(setup, ["own"]);
  const violations: Violation[] = [];
  const remarks: string[] = [];
  for (const { relation } of settings.shared) {
    const label = labelOf(relation);
    const columns = await queries.rows(
      sql`
        SELECT a.attname::text AS name
          FROM pg_attribute a
          JOIN pg_class c ON c.oid = a.attrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = ${relation.schema}
           AND c.relname = ${relation.name}
           -- Day 3 fences shared tables: before it, they are written as ever.
           AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive)
           AND a.attnum > 0
           AND NOT a.attisdropped
           AND a.attgenerated = ''
           AND a.attidentity = ''
      `,
      z.object({ name: z.string() }),
    );
    const [first] = columns.map(({ name }) => ident(name));
    if (first === undefined || isAccepted(settings, label)) continue;
    const table = ident(relation);
    const [row] = await queries.rows(
      sql`SELECT ctid::text AS location FROM ${table} LIMIT 1`,
      z.object({ location: z.string() }),
    );
    if (row === undefined) {
      remarks.push(`${label} was not written to: it has no rows`);
      continue;
    }
    const one = sql`ctid = ${row.location}::tid`;
    const names = list(columns.map(({ name }) => ident(name)));
    const writes = [
      ["deleted", sql`DELETE FROM ${table} WHERE ${one}`],
      ["changed", sql`UPDATE ${table} SET ${first} = ${first} WHERE ${one}`],
      ["added", sql`INSERT INTO ${table} (${names}) SELECT ${names} FROM ${table} WHERE ${one}`],
    ] as const;
    for (const [what, statement] of writes) {
      await queries.execute(sql`SAVEPOINT shared`);
      const request = attackersRequest(setup);
      const outcome = await attempt(queries, statement, request);
      await queries.execute(sql`ROLLBACK TO SAVEPOINT shared`);
      const through = outcome.kind === "done" ? outcome.rows > 0 : outcome.sqlState === "23505";
      if (!through) continue;
      const answer =
        outcome.kind === "done"
          ? `${outcome.rows} rows were written`
          : "only a unique constraint refused it";
      violations.push({
        what: `a row of ${label} can be ${what}`,
        shown: { who: "a member", request, object: relation, statement, answer },
      });
    }
  }
  return { violations, remarks };
}
