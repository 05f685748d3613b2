import { z } from "zod";
import { whyKeyStays } from "../../catalog/key-stays.ts";
import { orphanRows, orphans, type Referencing } from "../../catalog/orphans.ts";
import { findRelation } from "../../catalog/snapshot.ts";
import { configuredName } from "../../config/settings.ts";
import { isConnectionLoss } from "../../postgres/connection.ts";
import { sql, toScript } from "../../postgres/sql.ts";
import {
  type Check,
  type CheckContext,
  type Found,
  type TableAhead,
  tablesAhead,
} from "../check.ts";

/** A foreign key whose rows are to be looked at, and what a row without a parent does to a stage. */
type Question = Referencing & Pick<Found, "severity"> & { readonly why: string };

/** All keys together take no longer than this and the last one's own limit. */
const budgetInMilliseconds = 20_000;

export const orphanedRows: Check = {
  id: "orphaned-rows",
  title: "rows that refer to no row, against a foreign key that is valid",
  why: "they were written while triggers were disabled; a stage that counts on the foreign key would fail at them",
  // On a large table the answer may take too long, which shall keep nobody from running.
  stops: [],
  async find(context) {
    const found: Found[] = [];
    const until = performance.now() + budgetInMilliseconds;
    // A policy that hides rows of a parent would make orphans of its children: then it fails instead.
    await context.queries.execute(sql`SET LOCAL row_security = off`);
    for (const question of questions(context)) {
      const answer =
        performance.now() < until
          ? await ask(context, question)
          : { unknown: "the tables before it took all of the time" };
      found.push(...findings(question, answer));
    }
    return found;
  },
};

type Answer = { readonly violation: string | undefined } | { readonly unknown: string };

/** One that cannot be answered hides no other. */
async function ask({ queries }: CheckContext, question: Question): Promise<Answer> {
  await queries.execute(sql`SAVEPOINT asked`);
  try {
    const [row] = await queries.rows(orphans(question), z.object({ violation: z.string() }));
    return { violation: row?.violation };
  } catch (error) {
    if (isConnectionLoss(error) || !(error instanceof Error)) throw error;
    await queries.execute(sql`ROLLBACK TO SAVEPOINT asked`);
    return { unknown: error.message };
  }
}

function findings(question: Question, answer: Answer): Found[] {
  const { label, key, severity, why } = question;
  const rows = toScript(orphanRows(question));
  const found = (fact: string) => ({ object: label, fact: `foreign key ${key.name}: ${fact}` });
  if ("unknown" in answer) {
    return [
      {
        severity: "advisory",
        what: found(`could not be checked: ${answer.unknown}`),
        fix: `this should find no row: ${rows}`,
      },
    ];
  }
  if (answer.violation === undefined) return [];
  return [{ severity, what: found(answer.violation), why, fix: `correct or delete them: ${rows}` }];
}

/** The keys that Day 3 replaces, and those that rows get their organization by; small tables first. */
function questions(context: CheckContext): Question[] {
  return tablesAhead(context)
    .toSorted((one, other) => one.existing.bytes - other.existing.bytes)
    .flatMap((table) =>
      table.existing.foreignKeys.flatMap((key): Question[] => {
        const told = whatFails(context, table, key);
        const label = configuredName(table.relation, context.settings);
        return told === undefined ? [] : [{ relation: table.existing, label, key, ...told }];
      }),
    );
}

function whatFails(
  context: CheckContext,
  table: TableAhead,
  key: Referencing["key"],
): Pick<Question, "severity" | "why"> | undefined {
  const { settings, stages } = context;
  const { source, unattributed, existing } = table;
  const { organizationColumn } = settings.names;
  const filled = existing.columns.some(
    ({ name, notNull }) => name === organizationColumn && notNull,
  );
  const isSource =
    key.own &&
    source.kind === "via" &&
    key.columns.length === 1 &&
    key.columns[0] === source.column &&
    !filled;
  if (isSource && unattributed === "error") {
    const why = "their organization is that of the row that they refer to: the stage would fail";
    return { severity: "blocking", why };
  }
  if (stages.some(({ name }) => name === "day3") && isReplaced(context, table, key)) {
    const why =
      "Day 3 proves the foreign key anew when it names the organization too: it would fail, and be rolled back";
    return { severity: "blocking", why };
  }
  if (!isSource) return undefined;
  const why = "no row tells their organization: they would get the default one";
  return { severity: "advisory", why };
}

/** Whether hardening puts a key that names the organization too in its place. */
function isReplaced(
  { settings, snapshot }: CheckContext,
  { relation, existing }: TableAhead,
  key: Referencing["key"],
): boolean {
  const asked = settings.hardening.foreignKeys;
  const name = `${configuredName(relation, settings)}.${key.name}`;
  const parent = [...settings.tables.day1, ...settings.tables.day2].some(
    (one) => one.relation.schema === key.schema && one.relation.name === key.table,
  );
  const found = findRelation(snapshot, { schema: key.schema, name: key.table });
  return (
    (asked.includes("all") || asked.includes(name)) &&
    parent &&
    found !== undefined &&
    !key.columns.includes(settings.names.organizationColumn) &&
    whyKeyStays(snapshot, key, { child: existing, parent: found }) === undefined
  );
}
