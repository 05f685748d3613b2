import {
  functionBody,
  ident,
  list,
  literal,
  raw,
  type Sql,
  sql,
  toScript,
} from "../postgres/sql.ts";
import type { BatchesStep, Step } from "../steps/model/step.ts";
import { silenceTriggers } from "../steps/table/backfill.ts";
import type { Plan } from "./plan.ts";

const pagesInBatch = 128;

/** The plan's statements as a script that psql runs, to the same schema and the same rows. */
export function planScript(plan: Plan): string {
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
      // A concurrent build waits for older transactions, and no writer waits for it.
      return `SET lock_timeout = 0;\n${toScript(step.up)}\nSET lock_timeout = '2s';`;
    case "batches":
      return `ANALYZE ${ident(step.table).parts.join("")};\n${toScript(batchesScript(step))}`;
    case "application":
      return "-- It changes the application's files, which psql cannot.";
    default:
      return step satisfies never;
  }
}

/** The batches as a loop on the server, each committed by itself. */
function batchesScript(step: BatchesStep): Sql {
  const [before = "", between = "", after = ""] = step.up.parts;
  const page = (offset: number) => raw(`format('(%s,0)', page + ${offset})`);
  const update = list([raw(before), page(0), raw(between), page(pagesInBatch), raw(after)], "");
  return sql`DO ${functionBody(sql`
DECLARE
  page bigint := 0;
  pages bigint := pg_relation_size(${literal(ident(step.table).parts.join(""))}::regclass) / current_setting('block_size')::bigint;
BEGIN
  WHILE page < pages LOOP
    ${step.silencesTriggers ? sql`${silenceTriggers};` : sql`NULL;`}
    ${update};
    COMMIT;
    page := page + ${raw(String(pagesInBatch))};
  END LOOP;
END`)}`;
}
