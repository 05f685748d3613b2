import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, type RelationName, sql } from "../../postgres/sql.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";
import { attempt, withoutTriggers } from "../proof/attempt.ts";
import { isAtOneOf, rowLocation } from "./row-location.ts";

/** The rows by which a trial is judged. */
export type TestRows = {
  /** The organizations that hold them. */
  readonly organizations: readonly string[];
  /** Where they are, as `rowLocation` selects it. */
  readonly locations: readonly string[];
  /** Their values, as a row's text, in the same order. */
  readonly records: readonly string[];
  /** The organization of each, in the same order. */
  readonly owners: readonly string[];
  /** Why they could not be moved and are still in existing organizations; undefined where they were moved. */
  readonly unmoved: string | undefined;
};

export const locatedRow = z.object({
  location: z.string(),
  organization: z.string(),
  record: z.string(),
});

/**
 * Moves one existing row of the table into each test organization. Where a trigger or a rule of the
 * application prevents that, and cannot be disabled, the rows are used where they are.
 * @returns fewer rows than organizations where the table has too few
 */
export async function moveRows(
  queries: Queries,
  relation: RelationName,
  tenancy: Tenancy,
  organizations: readonly string[],
): Promise<TestRows> {
  const column = ident(tenancy.column);
  // SKIP LOCKED: a row that the application is writing is not used.
  const rows = await queries.rows(
    sql`
      SELECT ${rowLocation} AS location,
             ${column}::text AS organization,
             record::text AS record
        FROM ${ident(relation)} AS record
       WHERE ${column} IS NOT NULL
       LIMIT ${organizations.length}
         FOR UPDATE SKIP LOCKED
    `,
    locatedRow,
  );
  await queries.execute(sql`SAVEPOINT testRows`);
  const refused = await withoutTriggers(queries, async () => {
    for (const [index, { location }] of rows.entries()) {
      const outcome = await attempt(
        queries,
        sql`
          UPDATE ${ident(relation)}
             SET ${column} = ${organizations[index] ?? null}::uuid
           WHERE ${isAtOneOf([location])}
        `,
      );
      if (outcome.kind === "refused") return outcome.message;
    }
    return undefined;
  });
  const moved = await queries.rows(
    sql`
      SELECT ${rowLocation} AS location,
             ${column}::text AS organization,
             record::text AS record
        FROM ${ident(relation)} AS record
       WHERE ${column} = ANY (${organizations}::uuid[])
    `,
    locatedRow,
  );
  if (refused === undefined && moved.length === rows.length) return placed(moved, undefined);
  await queries.execute(sql`ROLLBACK TO SAVEPOINT testRows`);
  return placed(rows, refused ?? "a rule or a trigger prevents the UPDATE that moves them");
}

/** The test rows, from the location and organization of each. */
export function placed(
  rows: readonly z.output<typeof locatedRow>[],
  unmoved: string | undefined,
): TestRows {
  return {
    organizations: [...new Set(rows.map(({ organization }) => organization))],
    locations: rows.map(({ location }) => location),
    records: rows.map(({ record }) => record),
    owners: rows.map(({ organization }) => organization),
    unmoved,
  };
}
