import { literal, sql, toScript } from "../postgres/sql.ts";
import type { StageName } from "../steps/stage.ts";
import { type Step, statementsOf } from "../steps/step.ts";

/**
 * The whole rollback of a stage as a script for psql alone. Every statement may run again, so the
 * script may too, from wherever it stopped.
 */
export function rollbackScript(stage: StageName, steps: readonly Step[]): string {
  const run = sql`(SELECT max(id) FROM tenantry.run WHERE stage = ${literal(stage)} AND state <> 'rolled back')`;
  const blocks = steps.toReversed().map((step) => {
    const loses = step.down.kind === "lossy" ? `-- Loses ${oneLine(step.down.loses)}.\n` : "";
    const journal = sql`UPDATE tenantry.step
   SET state = 'undone',
       undone_at = clock_timestamp()
 WHERE run_id = ${run}
   AND id = ${literal(step.id)}
   AND state IN ('applied', 'running')`;
    const statements = [...statementsOf(step.down), journal].map(toScript);
    return `-- ${oneLine(step.id)}: ${oneLine(step.title)}\n${loses}BEGIN;\n${statements.join("\n")}\nCOMMIT;\n`;
  });
  const end = sql`UPDATE tenantry.run
   SET state = 'rolled back',
       finished_at = clock_timestamp()
 WHERE id = ${run}`;
  return `-- Undoes ${stage} with psql alone: psql --file rollback.sql "$DATABASE_URL"
-- Stops at the first error; mend its cause and run the same file again.
\\set ON_ERROR_STOP on
SET lock_timeout = '2s';
SET client_min_messages = warning;

${blocks.join("\n")}
${toScript(end)}
`;
}

/** A name in a comment must not end the comment's line. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, " ");
}
