import { z } from "zod";
import { type Queries, sqlState } from "../postgres/connection.ts";
import type { Sql } from "../postgres/sql.ts";
import { incompatible } from "./schema.ts";

/**
 * Reads rows of the journal.
 * @throws AppError JOURNAL_INCOMPATIBLE where they are not as Tenantry writes them: somebody edited them
 */
export async function rowsOf<Row extends z.ZodType>(
  session: Queries,
  table: "run" | "step" | "fence_state",
  statement: Sql,
  row: Row,
): Promise<z.output<Row>[]> {
  try {
    return await session.rows(statement, row);
  } catch (error) {
    if (error instanceof z.ZodError) {
      const faults = z.prettifyError(error).split("\n");
      throw incompatible(`has rows in its table ${table} that Tenantry did not write`, faults);
    }
    const undefinedColumn = "42703";
    if (!(error instanceof Error) || sqlState(error) !== undefinedColumn) throw error;
    throw incompatible(`lacks a column of its table ${table}: ${error.message}`);
  }
}
