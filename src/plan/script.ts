import {
  functionBody,
  ident,
  list,
  literal,
  raw,
  type Sql,
  sql,
  textOf,
  toScript,
} from "../postgres/sql.ts";
import type { RunName } from "../steps/model/stage.ts";
import type { BatchesStep, Step } from "../steps/model/step.ts";
import { silenceTriggers } from "../steps/table/backfill.ts";
import type { Plan } from "./plan.ts";

const pagesInBatch = 128;

/** The plan's statements as a script for psql, with the same effect on schema and rows. */
export function planScript(plan: Plan<RunName>): string {
  const stages = plan.stages.map(({ stage, title, steps }) => {
    const blocks = steps.map((step) => `-- ${oneLine(step)}\n${stepScript(step)}\n`);
    return `\\echo '${stage}: ${title.replaceAll("'", "''")}'\n\n${blocks.join("\n")}`;
  });
  return `\\set ON_ERROR_STOP on
SET lock_timeout = '2s';
SET statement_timeout = 0;

${stages.join("\n")}`;
}

function oneLine({ id, title }: Step): string {
  return `${id}: ${title}`.replaceAll(/[\r\n]+/g, " ");
}

function stepScript(step: Step): string {
  switch (step.mode) {
    case "transaction":
      return `BEGIN;\n${step.up.map(toScript).join("\n")}\nCOMMIT;`;
    case "online":
      // A concurrent build waits for older transactions; writers do not wait for it.
      return `SET lock_timeout = 0;\n${toScript(step.up)}\nSET lock_timeout = '2s';`;
    case "batches":
      return `ANALYZE ${textOf(ident(step.table))};\n${toScript(batchesScript(step))}`;
    case "application":
      return "-- This step changes files of the application; psql cannot run it.";
    default:
      return step satisfies never;
  }
}

/** The batches as a loop on the server, with a COMMIT after each. */
function batchesScript(step: BatchesStep): Sql {
  const [before = "", between = "", after = ""] = step.up.parts;
  const page = (offset: number) => raw(`format('(%s,0)', page + ${offset})`);
  const update = list([raw(before), page(0), raw(between), page(pagesInBatch), raw(after)], "");
  return sql`DO ${functionBody(sql`
DECLARE
  page bigint := 0;
  pages bigint := pg_relation_size(${literal(textOf(ident(step.table)))}::regclass) / current_setting('block_size')::bigint;
BEGIN
  WHILE page < pages LOOP
    ${step.silencesTriggers ? sql`${silenceTriggers};` : sql`NULL;`}
    ${update};
    COMMIT;
    page := page + ${raw(String(pagesInBatch))};
  END LOOP;
END`)}`;
}
