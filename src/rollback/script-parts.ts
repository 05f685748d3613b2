import { literal, type Sql, sql, toScript } from "../postgres/sql.ts";
import type { RunName } from "../steps/model/stage.ts";

/** The run of a stage that is in force. */
export function run(stage: RunName): Sql {
  return sql`(SELECT max(id) FROM tenantry.run WHERE stage = ${literal(stage)} AND state <> 'rolled back')`;
}

/** \gset instead of a semicolon stores the result of a query in variables of psql. */
export function asked(query: Sql): string {
  return `${toScript(query).replace(/;$/, "")} \\gset\n`;
}

/** Prints a line. In quotes, psql reads a backslash as an escape. */
export function said(text: string): string {
  const quoted = oneLine(text).replaceAll("\\", "\\\\").replaceAll("'", "''");
  return `\\echo '${quoted}'\n`;
}

/** Whether a stage is in force. */
export function inForce(stage: RunName): Sql {
  return sql`SELECT EXISTS (SELECT
                 FROM tenantry.run
                WHERE stage = ${literal(stage)}
                  AND state <> 'rolled back') AS in_force`;
}

/** A name in a comment must not end the comment's line. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, " ");
}
