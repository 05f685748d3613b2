import { endOlderSessionsByScript } from "../journal/lease-sessions.ts";
import {
  functionBody,
  ident,
  literal,
  raw,
  type Sql,
  sql,
  textOf,
  toScript,
} from "../postgres/sql.ts";
import type { RunName } from "../steps/model/stage.ts";
import { type Step, statementsOf } from "../steps/model/step.ts";
import { isValidation } from "../steps/table/validation.ts";

/**
 * The rollback of a stage as a script for psql. Every statement may run again, so the script may be run
 * again wherever it stopped.
 */
export function rollbackScript(stage: RunName, steps: readonly Step[]): string {
  return [...rollbackScriptPieces(stage, steps)].join("");
}

/** The same in pieces, to be written to a file: for a thousand tables it has many megabytes. */
export function* rollbackScriptPieces(
  stage: RunName,
  steps: readonly Step[],
): Generator<string, void> {
  const run = sql`(SELECT max(id) FROM tenantry.run WHERE stage = ${literal(stage)} AND state <> 'rolled back')`;
  const block = (step: Step): string => {
    const loses = step.down.kind === "lossy" ? `-- Loses ${oneLine(step.down.loses)}.\n` : "";
    const journal = sql`UPDATE tenantry.step
   SET state = 'undone',
       undone_at = clock_timestamp()
 WHERE run_id = ${run}
   AND id = ${literal(step.id)}
   AND state IN ('applied', 'running')`;
    const statements = statementsOf(step.down).map(inverse).map(toScript).join("\n");
    const begun = sql`SELECT EXISTS (SELECT
                 FROM tenantry.step
                WHERE run_id = ${run}
                  AND id = ${literal(step.id)}
                  AND state IN ('applied', 'running')) AS begun,
       ${present(step)} AS present`;
    return `-- ${oneLine(step.id)}: ${oneLine(step.title)}\n${loses}${asked(begun)}\\if :begun\n${filesLeft(step)}\\if :present\n${prepared(step)}\\else\n${tolerateErrors(step)}\\endif\nBEGIN;\n${statements}\n${toScript(journal)}\nCOMMIT;\n${strict}\\endif\n`;
  };
  const end = sql`DO ${functionBody(sql`
DECLARE
  left_over text;
BEGIN
  SELECT string_agg(id, ', ' ORDER BY position DESC)
    INTO left_over
    FROM tenantry.step
   WHERE run_id = ${run}
     AND state IN ('applied', 'running');
  IF left_over IS NOT NULL THEN
    RAISE 'this file was made for another run of ${raw(stage)} than the one in the journal, which has these steps left: %', left_over
      USING HINT = 'Use rollback.sql of the newest backup of this stage, or tenantry rollback --stage ${raw(stage)} --print-sql.';
  END IF;
  UPDATE tenantry.run
     SET state = 'rolled back',
         finished_at = clock_timestamp()
   WHERE id = ${run};
END`)}`;
  yield `-- Undoes ${stage} with psql alone: psql --file rollback.sql "$DATABASE_URL"
-- Stops at the first error, also where a lock is not granted within lock_timeout: then run the same
-- file again. Steps that the journal does not list as applied are skipped.
\\set ON_ERROR_STOP on
SET lock_timeout = '400ms';
SET statement_timeout = 0;
SET client_min_messages = warning;

${asked(inForce(stage))}\\if :in_force
\\else
\\echo '${stage} is neither applied nor running: there is nothing to undo'
\\quit
\\endif
${toScript(begin(stage))}
-- A statement of a paused run of Tenantry that is still on its way must not land later.
${toScript(endOlderSessionsByScript)}

`;
  for (const [index, step] of steps.toReversed().entries()) {
    yield index === 0 ? block(step) : `\n${block(step)}`;
  }
  yield `\n${toScript(end)}\n`;
}

/** Rows that violate a constraint do not stop the script: it stays NOT VALID, with a warning. */
function inverse(statement: Sql): Sql {
  if (!isValidation(statement)) return statement;
  return sql`DO ${functionBody(sql`
BEGIN
  ${statement};
EXCEPTION
  WHEN foreign_key_violation OR check_violation THEN
    RAISE WARNING 'the constraint stays NOT VALID, because rows violate it: %', SQLERRM
      USING HINT = ${literal(`Fix the rows, then: ${oneLine(toScript(statement))}`)};
END`)}`;
}

const strict = "\\set ON_ERROR_STOP on\n\\set ON_ERROR_ROLLBACK off\n";

/** Where a step's table was dropped, statements on it fail; those on other objects must still run. */
function tolerateErrors({ table }: Step): string {
  if (table === undefined) return "";
  return `\\echo '${oneLine(table.name).replaceAll("'", "''")} does not exist any more: errors about it are ignored'
\\set ON_ERROR_STOP off
\\set ON_ERROR_ROLLBACK on
`;
}

/** Whether a step's table exists. */
function present({ table }: Step): Sql {
  if (table === undefined) return sql`TRUE`;
  return sql`to_regclass(${literal(textOf(ident(table)))}) IS NOT NULL`;
}

/** psql cannot change files. */
function filesLeft(step: Step): string {
  if (step.mode !== "application" || step.changes.length === 0) return "";
  const files = step.changes.map(({ file }) => `--   ${oneLine(file)}`).join("\n");
  return `-- These files are not changed; the git tag of the stage has them as they were before it:\n${files}\n\\echo '${step.changes.length} files of the application, written by ${oneLine(step.id)}, are not changed'\n`;
}

/** Drops what a killed build left first: IF NOT EXISTS would take an invalid index for a valid one. */
function prepared({ down }: Step): string {
  if (down.kind !== "exact" || down.prepare === undefined) return "";
  const build = [down.prepare.clean, down.prepare.up].map(toScript).join("\n");
  // A concurrent build waits for older transactions; no other session waits behind it.
  return `SET lock_timeout = 0;\n${build}\nSET lock_timeout = '400ms';\n`;
}

/** \gset instead of a semicolon stores the result of a query in variables of psql. */
function asked(query: Sql): string {
  return `${toScript(query).replace(/;$/, "")} \\gset\n`;
}

function inForce(stage: RunName): Sql {
  return sql`SELECT EXISTS (SELECT
                 FROM tenantry.run
                WHERE stage = ${literal(stage)}
                  AND state <> 'rolled back') AS in_force`;
}

/** Sets the run to rolling back, unless another was begun after it or Tenantry is running. */
function begin(stage: RunName): Sql {
  return sql`DO ${functionBody(sql`
BEGIN
  IF EXISTS (SELECT
               FROM tenantry.run own
               JOIN tenantry.run later ON later.id > own.id AND later.state <> 'rolled back'
              WHERE own.stage = ${literal(stage)}
                AND own.state <> 'rolled back') THEN
    RAISE 'what was applied after ${raw(stage)} must be rolled back first: tenantry status lists it';
  END IF;
  IF EXISTS (SELECT
               FROM tenantry.lease l
               JOIN pg_stat_activity a ON a.pid = l.backend AND a.backend_start = l.backend_start
              WHERE l.expires_at > clock_timestamp()) THEN
    RAISE 'tenantry is running on this database: stop it first';
  END IF;
  -- A paused run of Tenantry would continue later: now it finds its lease taken, and stops.
  UPDATE tenantry.lease
     SET token = token + 1,
         holder = 'rollback.sql',
         expires_at = '-infinity';
  UPDATE tenantry.run
     SET state = 'rolling back'
   WHERE stage = ${literal(stage)}
     AND state <> 'rolled back';
END`)}`;
}

/** A name in a comment must not end the comment's line. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, " ");
}
