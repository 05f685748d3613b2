import {
  functionBody,
  inlined,
  list,
  literal,
  raw,
  type Sql,
  sql,
  toScript,
} from "../postgres/sql.ts";
import type { Guard, RunName } from "../steps/model/stage.ts";
import { run, said } from "./script-parts.ts";

/** Asks the guards, unless the variable despite_guards is set or the rollback has begun before. */
export function askedGuards(stage: RunName, guards: readonly Guard[]): string {
  return `\\if :{?despite_guards}
\\else
\\set despite_guards 0
\\endif
\\if :despite_guards
${said(`${stage}: the guards are not asked, because despite_guards is set`)}\\else
${toScript(askAll(stage, guards))}
\\endif
`;
}

function askAll(stage: RunName, guards: readonly Guard[]): Sql {
  return sql`DO ${functionBody(sql`
DECLARE
  run_state text := (SELECT state FROM tenantry.run WHERE id = ${run(stage)});
  found text;
  reasons text[] := '{}';
BEGIN
  -- Asked when the rollback began.
  IF run_state = 'rolling back' THEN
    RETURN;
  END IF;${list(
    guards.map((guard) => askOne(stage, guard)),
    "",
  )}
  IF reasons <> '{}' THEN
    RAISE 'rollback of ${raw(stage)} refused; nothing was changed'
      USING DETAIL = array_to_string(reasons, E'\n'),
            HINT = 'To roll back all the same: psql --variable despite_guards=1 --file …';
  END IF;
END`)}`;
}

/** A guard that cannot be asked refuses, too, unless the stage is not applied: its tables may not exist yet. */
function askOne(stage: RunName, { because, violations }: Guard): Sql {
  return sql`
  BEGIN
    FOR found IN EXECUTE ${functionBody(inlined(violations))}
    LOOP
      reasons := reasons || format('%s: %s (%s)', ${literal(stage)}, found, ${literal(because)});
    END LOOP;
  EXCEPTION
    WHEN OTHERS THEN
      IF run_state = 'applied' THEN
        reasons := reasons || format('%s: could not be checked: %s (%s)', ${literal(stage)}, SQLERRM, ${literal(because)});
      END IF;
  END;`;
}
