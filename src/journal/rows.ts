import { z } from "zod";
import { type Queries, sqlState } from "../postgres/connection.ts";
import type { Sql } from "../postgres/sql.ts";
import { incompatible } from "./schema.ts";

/**
 * Rows of the journal, which somebody may have edited.
 * @throws AppError JOURNAL_INCOMPATIBLE where Tenantry did not write them so
 */
export async function rowsOf<Row extends z.ZodType>(
  session: Queries,
  table: "run" | "step",
  statement: Sql,
  row: Row,
): Promise<z.output<Row>[]> {
  try {
    return await session.rows(statement, row);
  } catch (error) {
    if (error instanceof z.ZodError) {
      const places = z.prettifyError(error).split("\n");
      throw incompatible(`has rows in its table ${table} that Tenantry did not write`, places);
    }
    const undefinedColumn = "42703";
    if (!(error instanceof Error) || sqlState(error) !== undefinedColumn) throw error;
    throw incompatible(`lacks a column of its table ${table}: ${error.message}`);
  }
}
