import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, type RelationName, sql, textOf } from "../../postgres/sql.ts";
import { labelOf } from "../attacks/attack-setup.ts";
import type { Refused } from "./attempt.ts";

/** A statement that was refused, and the privilege that it takes. */
export type Refusal = {
  readonly relation: RelationName;
  readonly privilege: "SELECT" | "UPDATE" | "DELETE";
  /** The column that it reads; the whole table, where none is named. */
  readonly column?: string;
  readonly refused: Refused;
};

/**
 * The refusals that no missing privilege explains, as sentences: one for each different error, with all of
 * its tables. A user who gets an error sees no rows, but that does not prove that the fence holds.
 */
export async function unexplained(
  queries: Queries,
  role: string,
  refusals: readonly Refusal[],
): Promise<readonly string[]> {
  const tables = new Map<string, Set<string>>();
  for (const refusal of refusals) {
    if (await isExplained(queries, role, refusal)) continue;
    const { refused, relation } = refusal;
    const error = `${refused.message} (SQLSTATE ${refused.sqlState})`;
    tables.set(error, (tables.get(error) ?? new Set()).add(labelOf(relation)));
  }
  return [...tables].map(([error, labels]) => `${listed([...labels])}: ${error}`);
}

async function isExplained(
  queries: Queries,
  role: string,
  { relation, privilege, column, refused }: Refusal,
): Promise<boolean> {
  if (refused.sqlState !== "42501") return false;
  const name = textOf(ident(relation));
  const has =
    column === undefined
      ? sql`has_table_privilege(${role}::text, ${name}::text::regclass, ${privilege})`
      : sql`has_column_privilege(${role}::text, ${name}::text::regclass, ${column}::text, ${privilege})`;
  const [row] = await queries.rows(sql`SELECT ${has} AS has`, z.object({ has: z.boolean() }));
  return row?.has === false;
}

function listed(labels: readonly string[]): string {
  const some = labels.slice(0, 3).join(", ");
  return labels.length > 3 ? `${some} and ${labels.length - 3} more` : some;
}
