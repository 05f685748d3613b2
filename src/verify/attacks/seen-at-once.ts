import { z } from "zod";
import { ident, list, literal, type RelationName, type Sql, sql } from "../../postgres/sql.ts";
import type { Try } from "../proof/attempt.ts";
import { attemptAll } from "../proof/attempts.ts";
import type { Request } from "../proof/request.ts";
import { type AttackSetup, labelOf } from "./attack-setup.ts";

/** A table, and the column that says whose a row is. */
export type Look = { readonly relation: RelationName; readonly column: string };

/** The fenced tables, the memberships and the organizations. */
export function looksOf({ fences, tenancy }: AttackSetup): readonly Look[] {
  return [
    ...fences.map(({ relation }) => ({ relation, column: tenancy.column })),
    { relation: tenancy.memberships, column: "organization_id" },
    { relation: tenancy.organizations, column: "id" },
  ];
}

/** Those that a role may read by its privileges; the others refuse it, and no policy is asked. */
export async function readable(
  { queries }: Pick<AttackSetup, "queries">,
  looks: readonly Look[],
  role: string,
): Promise<readonly Look[]> {
  const rows = await queries.rows(
    sql`
      SELECT named.number::integer AS number
        FROM unnest(${looks.map(({ relation }) => relation.schema)}::text[],
                    ${looks.map(({ relation }) => relation.name)}::text[],
                    ${looks.map(({ column }) => column)}::text[]) WITH ORDINALITY AS named (schema, name, "column", number)
        JOIN pg_namespace n ON n.nspname = named.schema
        JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = named.name
       WHERE has_column_privilege(${role}::text, c.oid, named."column", 'SELECT')
    `,
    z.object({ number: z.number() }),
  );
  const may = new Set(rows.map(({ number }) => number - 1));
  return looks.filter((_, index) => may.has(index));
}

/** The rows of a table that are of none of these organizations. */
export function othersIn({ relation, column }: Look, theirs: readonly string[]): Sql {
  return sql`
    SELECT coalesce(${ident(column)}::text, 'none') AS organization
      FROM ${ident(relation)}
     WHERE (${ident(column)} = ANY (${theirs}::uuid[])) IS NOT TRUE
     LIMIT 1
  `;
}

/** Without it the planner scans a whole table for a row that an unbroken fence does not have. */
export const withIndexes = [["enable_seqscan", "off"]] as const;

/** Someone who asks, and the organizations whose rows they may see. */
export type Asking = { readonly as: Request; readonly theirs: readonly string[] };

/** What somebody sees of others' rows; no answer came before statement_timeout. */
export type Sight = "nothing" | "something" | "an error" | "no answer";

/**
 * Whether any of the tables shows each of them a row that they must not see, or refuses: each asks all tables
 * in one statement. Which table it is must be asked table by table.
 */
export async function whoSeesOthers(
  { queries }: Pick<AttackSetup, "queries">,
  looks: readonly Look[],
  asking: readonly Asking[],
): Promise<readonly Sight[]> {
  if (looks.length === 0) return asking.map(() => "nothing" as const);
  const tries = asking.map(({ as, theirs }): Try => {
    const parts = looks.map(
      (look) =>
        sql`CASE WHEN EXISTS (${othersIn(look, theirs)}) THEN ${literal(labelOf(look.relation))} END`,
    );
    const statement = sql`SELECT concat_ws(', ', ${list(parts)}) AS seen`;
    return { as, settings: withIndexes, statement, answers: true };
  });
  const outcomes = await attemptAll(queries, tries);
  return outcomes.map((outcome) => {
    if (outcome.kind === "refused") return outcome.sqlState === "57014" ? "no answer" : "an error";
    return outcome.answer === "" ? "nothing" : "something";
  });
}
