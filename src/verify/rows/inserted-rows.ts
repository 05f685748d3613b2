import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, list, type Sql, sql } from "../../postgres/sql.ts";
import { attemptRows, withoutTriggers } from "../proof/attempt.ts";
import type { Fence } from "../proof/trial.ts";
import { madeUp, type RowColumn, rowColumns, type TableAccess } from "./insert-like.ts";
import { madeUpRow } from "./made-up-row.ts";
import { locatedRow, placed, type TestRows } from "./moved-rows.ts";

/**
 * Inserts a row into each organization: a copy of an existing row, or generated values where the table is
 * empty. The application does not wait for these rows, as it would for an existing row that is moved. No
 * sequence is advanced.
 * @returns undefined where no row can be inserted: a constraint, a rule or a trigger prevents it
 */
export async function insertRows(
  queries: Queries,
  { relation }: Fence,
  { column, role }: TableAccess,
  organizations: readonly string[],
): Promise<TestRows | undefined> {
  const table = ident(relation);
  const [sample] = await queries.rows(
    sql`
      SELECT (record.*)::text AS record
        FROM ${table} AS record
       WHERE ${ident(column)} IS NOT NULL
       LIMIT 1
    `,
    z.object({ record: z.string() }),
  );
  const values =
    sample === undefined
      ? await madeUpRow(queries, relation, column)
      : valuesOf(await rowColumns(queries, relation, { column, role }));
  if (values === undefined) return undefined;
  await queries.execute(sql`SAVEPOINT planting`);
  const planted = await withoutTriggers(queries, async () => {
    const rows: z.output<typeof locatedRow>[] = [];
    for (const organization of organizations) {
      const outcome = await attemptRows(
        queries,
        sql`
          INSERT INTO ${table} AS planted (${list([ident(column), ...values.map(({ name }) => name)])})
                 OVERRIDING SYSTEM VALUE
          SELECT ${list([sql`${organization}::uuid`, ...values.map(({ value }) => value)])}
            FROM (SELECT ${sample?.record ?? null}::${table} AS record) AS sample
       RETURNING planted.tableoid::text || ' ' || planted.ctid::text AS location,
                 planted.${ident(column)}::text AS organization,
                 planted::text AS record
        `,
        locatedRow,
      );
      const [row] = outcome.kind === "done" ? outcome.rows : [];
      if (row?.organization !== organization) return undefined;
      rows.push(row);
    }
    return rows;
  });
  if (planted !== undefined) return placed(planted, undefined);
  await queries.execute(sql`ROLLBACK TO SAVEPOINT planting`);
  return undefined;
}

/** The sample's values; unique ones are generated. */
function valuesOf(columns: readonly RowColumn[]): readonly { name: Sql; value: Sql }[] {
  // A referenced parent must exist, and a partition must accept the row: these keep the sample's value if
  // another unique column can differ.
  const keys = columns.filter(({ unique }) => unique);
  const free = keys.some((key) => !isTaken(key) && madeUp(key) !== undefined);
  return columns.map((one) => {
    const name = ident(one.name);
    const wanted = one.unique && !(free && isTaken(one));
    const numbered = one.default === "sequence" && !one.partitions;
    const value = wanted || numbered ? madeUp(one) : undefined;
    return { name, value: value ?? sql`(sample.record).${name}` };
  });
}

function isTaken({ references, partitions }: RowColumn): boolean {
  return references || partitions;
}
