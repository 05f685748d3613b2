import { functionBody, ident, literal, raw, type Sql, sql, toScript } from "../postgres/sql.ts";
import { type StageName, stageNames } from "../steps/model/stage.ts";
import { type Step, statementsOf } from "../steps/model/step.ts";
import { isValidation } from "../steps/table/validation.ts";

/**
 * The whole rollback of a stage as a script for psql alone. Every statement may run again, so the
 * script may too, from wherever it stopped.
 */
export function rollbackScript(stage: StageName, steps: readonly Step[]): string {
  return [...rollbackScriptPieces(stage, steps)].join("");
}

/** The same in pieces, for a file: that of a thousand tables has many megabytes. */
export function* rollbackScriptPieces(
  stage: StageName,
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
    return `-- ${oneLine(step.id)}: ${oneLine(step.title)}\n${loses}${asked(begun)}\\if :begun\n${filesLeft(step)}\\if :present\n${prepared(step)}\\else\n${passOver(step)}\\endif\nBEGIN;\n${statements}\n${toScript(journal)}\nCOMMIT;\n${strict}\\endif\n`;
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
    RAISE 'this file is of another run of ${raw(stage)} than the one in force, of which these steps are left: %', left_over
      USING HINT = 'Take the file of the newest backup of this stage, or tenantry rollback --stage ${raw(stage)} --print-sql.';
  END IF;
  UPDATE tenantry.run
     SET state = 'rolled back',
         finished_at = clock_timestamp()
   WHERE id = ${run};
END`)}`;
  yield `-- Undoes ${stage} with psql alone: psql --file rollback.sql "$DATABASE_URL"
-- Stops at the first error, or where a lock is not granted at once, so that nobody queues behind it:
-- run the same file again. What the journal does not know to be done is not undone.
\\set ON_ERROR_STOP on
SET lock_timeout = '400ms';
SET statement_timeout = 0;
SET client_min_messages = warning;

${asked(inForce(stage))}\\if :in_force
\\else
\\echo '${stage} is neither applied nor under way: there is nothing to undo'
\\quit
\\endif
${toScript(begin(stage))}

`;
  for (const [index, step] of steps.toReversed().entries()) {
    yield index === 0 ? block(step) : `\n${block(step)}`;
  }
  yield `\n${toScript(end)}\n`;
}

/** Rows that violate what is validated again do not stop it: the constraint stays NOT VALID, which is said. */
function inverse(statement: Sql): Sql {
  if (!isValidation(statement)) return statement;
  return sql`DO ${functionBody(sql`
BEGIN
  ${statement};
EXCEPTION
  WHEN foreign_key_violation OR check_violation THEN
    RAISE WARNING 'the constraint stays NOT VALID, since rows violate it: %', SQLERRM
      USING HINT = ${literal(`Correct the rows, then: ${oneLine(toScript(statement))}`)};
END`)}`;
}

const strict = "\\set ON_ERROR_STOP on\n\\set ON_ERROR_ROLLBACK off\n";

/** Where somebody dropped a step's table, what is not of the table itself is there still. */
function passOver({ table }: Step): string {
  if (table === undefined) return "";
  return `\\echo '${oneLine(table.name).replaceAll("'", "''")} is gone: errors that say so are passed over'
\\set ON_ERROR_STOP off
\\set ON_ERROR_ROLLBACK on
`;
}

/** Whether a step's table is there. */
function present({ table }: Step): Sql {
  if (table === undefined) return sql`TRUE`;
  return sql`to_regclass(${literal(ident(table).parts.join(""))}) IS NOT NULL`;
}

/** psql cannot change files, and says so. */
function filesLeft(step: Step): string {
  if (step.mode !== "application" || step.changes.length === 0) return "";
  const files = step.changes.map(({ file }) => `--   ${oneLine(file)}`).join("\n");
  return `-- Its files stay as they are; git has them as they were, at the tag of the stage:\n${files}\n\\echo '${step.changes.length} files of the application stay as ${oneLine(step.id)} wrote them'\n`;
}

/** What a killed build left is removed first: IF NOT EXISTS would take it for a good one. */
function prepared({ down }: Step): string {
  if (down.kind !== "exact" || down.prepare === undefined) return "";
  const build = [down.prepare.clean, down.prepare.up].map(toScript).join("\n");
  // A concurrent build waits for older transactions, which nobody queues behind.
  return `SET lock_timeout = 0;\n${build}\nSET lock_timeout = '400ms';\n`;
}

/** psql keeps what a query says in a variable where it ends in this instead of a semicolon. */
function asked(query: Sql): string {
  return `${toScript(query).replace(/;$/, "")} \\gset\n`;
}

function inForce(stage: StageName): Sql {
  return sql`SELECT EXISTS (SELECT
                 FROM tenantry.run
                WHERE stage = ${literal(stage)}
                  AND state <> 'rolled back') AS in_force`;
}

/** Turns the run round, unless something stands on it. */
function begin(stage: StageName): Sql {
  const later = stageNames.slice(stageNames.indexOf(stage) + 1);
  return sql`DO ${functionBody(sql`
BEGIN
  IF EXISTS (SELECT FROM tenantry.run WHERE stage = ANY (${literal(later)}::text[]) AND state <> 'rolled back') THEN
    RAISE 'a later stage stands on ${raw(stage)}: undo that first';
  END IF;
  IF EXISTS (SELECT
               FROM tenantry.lease l
               JOIN pg_stat_activity a ON a.pid = l.backend AND a.backend_start = l.backend_start
              WHERE l.expires_at > clock_timestamp()) THEN
    RAISE 'tenantry itself is at work on this database: end it first';
  END IF;
  -- One that sleeps would go on when it wakes: so it finds its lease taken, as by another run.
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
