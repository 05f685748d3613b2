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
import type { Guard, RunName } from "../steps/model/stage.ts";
import { type Step, statementsOf } from "../steps/model/step.ts";
import { isValidation } from "../steps/table/validation.ts";
import { undefinedObject, violation } from "./inverse.ts";
import { askedGuards } from "./script-guards.ts";
import { asked, inForce, oneLine, run, said } from "./script-parts.ts";

/** What a script needs of a plan or of a run. */
export type ScriptedRun = {
  readonly stage: RunName;
  readonly steps: readonly Step[];
  readonly guards: readonly Guard[];
};

/**
 * The rollback of a stage as a script for psql, which asks the same guards as `tenantry rollback`, and
 * skips what it skips. Every statement may run again, so the script may be run again wherever it stopped.
 */
export function rollbackScript(scripted: ScriptedRun): string {
  return [...rollbackScriptPieces(scripted)].join("");
}

/** The same in pieces, to be written to a file: for a thousand tables it has many megabytes. */
export function* rollbackScriptPieces({
  stage,
  steps,
  guards,
}: ScriptedRun): Generator<string, void> {
  const losses = steps
    .toReversed()
    .flatMap(({ down }) => (down.kind === "lossy" ? [oneLine(down.loses)] : []));
  yield head(stage, losses);
  yield `${asked(inForce(stage))}\\if :in_force
\\else
${said(`${stage} is neither applied nor running: there is nothing to undo`)}\\quit
\\endif
`;
  yield losses.length === 0
    ? said(`${stage}: the rollback loses nothing`)
    : losses.map((loses) => said(`${stage}: the rollback loses ${loses}`)).join("");
  if (losses.length > 0) {
    yield said("tenantry rollback saves this before it rolls back; this script does not");
  }
  yield `${toScript(refuseOthers(stage))}\n${askedGuards(stage, guards)}${toScript(begin(stage))}\n${laterStatementsEnded}\n`;
  for (const [index, step] of steps.toReversed().entries()) {
    yield index === 0 ? block(stage, step) : `\n${block(stage, step)}`;
  }
  yield `\n${toScript(end(stage))}\n${lastLines(stage)}`;
}

function head(stage: RunName, losses: readonly string[]): string {
  const lost = losses.map((loses) => `--   Loses ${loses}.\n`).join("");
  return `-- Undoes ${stage} with psql alone: psql --file rollback.sql "$DATABASE_URL"
${losses.length === 0 ? "-- Nothing is lost.\n" : `-- What is lost, and what tenantry rollback saves before it does the same:\n${lost}`}-- It asks the guards of tenantry rollback first. To undo ${stage} also where they refuse:
-- psql --variable despite_guards=1 --file rollback.sql "$DATABASE_URL"
-- Stops at the first error, also where a lock is not granted within lock_timeout: then run the same
-- file again. Steps that the journal does not list as applied are skipped, and so are statements on
-- objects that were dropped since: each is a WARNING.
\\set ON_ERROR_STOP on
SET statement_timeout = 0;
SET lock_timeout = '400ms';
SET client_min_messages = warning;

`;
}

const laterStatementsEnded = `-- A statement of a paused run of Tenantry that is still on its way must not land later.
${toScript(endOlderSessionsByScript)}
`;

/** One step. \\if reads what the query before it has stored. */
function block(stage: RunName, step: Step): string {
  const loses = step.down.kind === "lossy" ? `-- Loses ${oneLine(step.down.loses)}.\n` : "";
  const journal = sql`UPDATE tenantry.step
   SET state = 'undone',
       undone_at = clock_timestamp()
 WHERE run_id = ${run(stage)}
   AND id = ${literal(step.id)}
   AND state IN ('applied', 'running')`;
  const begun = sql`SELECT EXISTS (SELECT
                 FROM tenantry.step
                WHERE run_id = ${run(stage)}
                  AND id = ${literal(step.id)}
                  AND state IN ('applied', 'running')) AS begun,
       ${present(step)} AS present`;
  const { before, after } = prepared(step);
  const statements = statementsOf(step.down).map(skippable).map(toScript).join("\n");
  const undone = before === "" ? statements : `\\if :restores\n${statements}\n\\endif`;
  return `-- ${oneLine(step.id)}: ${oneLine(step.title)}\n${loses}${asked(begun)}\\if :begun\n${filesLeft(step)}${gone(step)}${before}BEGIN;\n${undone}\n${toScript(journal)}\nCOMMIT;\n${after}\\endif\n`;
}

/** SQLSTATEs as PL/pgSQL's conditions. */
function conditions(states: readonly string[]): Sql {
  return raw(states.map((state) => `SQLSTATE '${state}'`).join(" OR "));
}

/**
 * A statement that is skipped with a warning where tenantry rollback skips it: where an object was dropped
 * since, and where rows violate the constraint that it validates, which stays NOT VALID.
 */
function skippable(statement: Sql): Sql {
  const violated = isValidation(statement)
    ? sql`
  WHEN ${conditions(violation)} THEN
    RAISE WARNING 'the constraint stays NOT VALID, because rows violate it: %', SQLERRM
      USING HINT = ${literal(`Fix the rows, then: ${oneLine(toScript(statement))}`)};`
    : sql``;
  return sql`DO ${functionBody(sql`
BEGIN
  EXECUTE ${functionBody(statement)};
EXCEPTION
  WHEN ${conditions(undefinedObject)} THEN
    RAISE WARNING 'skipped, because an object was dropped since: %', SQLERRM;${violated}
END`)}`;
}

/** Whether a step's table exists. */
function present({ table }: Step): Sql {
  if (table === undefined) return sql`TRUE`;
  return sql`to_regclass(${literal(textOf(ident(table)))}) IS NOT NULL`;
}

/** Where a step's table was dropped, its statements are skipped one by one. */
function gone({ table }: Step): string {
  if (table === undefined) return "";
  return `\\if :present\n\\else\n${said(`${table.schema}.${table.name} does not exist any more; nothing to undo on it`)}\\endif\n`;
}

/** psql cannot change files. */
function filesLeft(step: Step): string {
  if (step.mode !== "application" || step.changes.length === 0) return "";
  const files = step.changes.map(({ file }) => `--   ${oneLine(file)}`).join("\n");
  return `-- These files are not changed; the git tag of the stage has them as they were before it:\n${files}\n${said(`${step.changes.length} files of the application, written by ${step.id}, are not changed`)}`;
}

/**
 * Builds the index that an inverse needs, and drops what a killed build left first: IF NOT EXISTS would
 * take an invalid index for a valid one. Rows that violate the index do not stop the script: then the
 * inverse is not executed. After it, an index that nothing needed is dropped.
 */
function prepared({ down, id }: Step): { readonly before: string; readonly after: string } {
  if (down.kind !== "exact" || down.prepare === undefined) return { before: "", after: "" };
  const { clean, up } = down.prepare;
  // A concurrent build waits for older transactions; no other session waits behind it.
  const unlimited = (statements: string) =>
    `SET lock_timeout = 0;\n${statements}SET lock_timeout = '400ms';\n`;
  const states = undefinedObject.map((state) => `'${state}'`).join(", ");
  const stop = sql`DO ${functionBody(sql`
BEGIN
  RAISE ${literal(`the index that ${oneLine(id)} needs could not be built: fix the error above, then run this file again`.replaceAll("%", "%%"))};
END`)}`;
  const before = `\\set restores false
\\if :present
${unlimited(`${toScript(clean)}
\\set ON_ERROR_STOP off
${toScript(up)}
\\set built_with :SQLSTATE
\\set ON_ERROR_STOP on
`)}SELECT :'built_with' IN ('00000', ${states}) AS restores,
       :'built_with' = '23505' AS shared \\gset
\\if :restores
\\elif :shared
${said(`${id}: the index is not unique for all organizations again, because rows violate that`)}${toScript(clean)}
\\else
${toScript(stop)}
\\endif
\\else
\\set restores true
\\endif
`;
  return { before, after: unlimited(`${toScript(clean)}\n`) };
}

/** Refuses where another run was begun after it, or Tenantry is running. */
function refuseOthers(stage: RunName): Sql {
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
END`)}`;
}

/** Sets the run to rolling back. */
function begin(stage: RunName): Sql {
  return sql`DO ${functionBody(sql`
BEGIN
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

function end(stage: RunName): Sql {
  return sql`DO ${functionBody(sql`
DECLARE
  left_over text;
BEGIN
  SELECT string_agg(id, ', ' ORDER BY position DESC)
    INTO left_over
    FROM tenantry.step
   WHERE run_id = ${run(stage)}
     AND state IN ('applied', 'running');
  IF left_over IS NOT NULL THEN
    RAISE 'this file was made for another run of ${raw(stage)} than the one in the journal, which has these steps left: %', left_over
      USING HINT = 'Use rollback.sql of the newest backup of this stage, or tenantry rollback --stage ${raw(stage)} --print-sql.';
  END IF;
  UPDATE tenantry.run
     SET state = 'rolled back',
         finished_at = clock_timestamp()
   WHERE id = ${run(stage)};
END`)}`;
}

/** Says what was done. */
function lastLines(stage: RunName): string {
  const count = sql`SELECT count(*) AS undone
  FROM tenantry.step
 WHERE run_id = (SELECT max(id) FROM tenantry.run WHERE stage = ${literal(stage)})
   AND state = 'undone'`;
  return `${asked(count)}\\echo '${stage} is rolled back:' :undone 'steps are undone. What was skipped is a WARNING above. The schema was not compared with the one from before: its dump is in the folder of the backup.'\n`;
}
