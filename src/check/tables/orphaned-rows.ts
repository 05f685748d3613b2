import { z } from "zod";
import { whyKeyStays } from "../../catalog/key-stays.ts";
import { orphanRows, orphans, type Referencing } from "../../catalog/orphans.ts";
import { findRelation } from "../../catalog/snapshot.ts";
import { configuredName } from "../../config/settings.ts";
import { isConnectionLoss } from "../../postgres/connection.ts";
import { sql, toScript } from "../../postgres/sql.ts";
import {
  type CheckContext,
  type Found,
  type PreflightCheck,
  type TableAhead,
  tablesAhead,
} from "../check.ts";

/** A foreign key to check, and what a row without a parent does to a stage. */
type KeyToCheck = Referencing & Pick<Found, "severity"> & { readonly why: string };

/** No key is started after this time. */
const budgetInMilliseconds = 20_000;

export const orphanedRows: PreflightCheck = {
  id: "orphaned-rows",
  title: "rows that violate a foreign key, although PostgreSQL shows it as valid",
  why: "they were written while triggers were disabled; a stage that relies on the foreign key would fail",
  // On a large table the check can run into its timeout, which must not stop a run.
  stops: [],
  async find(context) {
    const found: Found[] = [];
    const until = performance.now() + budgetInMilliseconds;
    // If a policy hides rows of a parent, its children would look orphaned: with this, the query fails instead.
    await context.queries.execute(sql`SET LOCAL row_security = off`);
    for (const question of keysToCheck(context)) {
      const answer =
        performance.now() < until
          ? await ask(context, question)
          : { unknown: "the time for this check was used up by other tables" };
      found.push(...findings(question, answer));
    }
    return found;
  },
};

type Answer = { readonly violation: string | undefined } | { readonly unknown: string };

/** Within a savepoint, so that one failure does not hide the other keys. */
async function ask({ queries }: CheckContext, question: KeyToCheck): Promise<Answer> {
  await queries.execute(sql`SAVEPOINT one_key`);
  try {
    const [row] = await queries.rows(orphans(question), z.object({ violation: z.string() }));
    return { violation: row?.violation };
  } catch (error) {
    if (isConnectionLoss(error) || !(error instanceof Error)) throw error;
    await queries.execute(sql`ROLLBACK TO SAVEPOINT one_key`);
    return { unknown: error.message };
  }
}

function findings(question: KeyToCheck, answer: Answer): Found[] {
  const { label, key, severity, why } = question;
  const rows = toScript(orphanRows(question));
  const found = (fact: string) => ({ object: label, fact: `foreign key ${key.name}: ${fact}` });
  if ("unknown" in answer) {
    return [
      {
        severity: "advisory",
        what: found(`could not be checked: ${answer.unknown}`),
        fix: `this must return no row: ${rows}`,
      },
    ];
  }
  if (answer.violation === undefined) return [];
  return [{ severity, what: found(answer.violation), why, fix: `correct or delete them: ${rows}` }];
}

/** The keys that Day 3 replaces, and those that a row's organization comes from; small tables first. */
function keysToCheck(context: CheckContext): KeyToCheck[] {
  return tablesAhead(context)
    .toSorted((one, other) => one.existing.bytes - other.existing.bytes)
    .flatMap((table) =>
      table.existing.foreignKeys.flatMap((key): KeyToCheck[] => {
        const effect = whatFails(context, table, key);
        const label = configuredName(table.relation, context.settings);
        return effect === undefined ? [] : [{ relation: table.existing, label, key, ...effect }];
      }),
    );
}

function whatFails(
  context: CheckContext,
  table: TableAhead,
  key: Referencing["key"],
): Pick<KeyToCheck, "severity" | "why"> | undefined {
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
    const why = "their organization comes from the row that they refer to: the stage would fail";
    return { severity: "blocking", why };
  }
  if (stages.some(({ name }) => name === "day3") && isReplaced(context, table, key)) {
    const why =
      "Day 3 replaces the foreign key by one that includes the organization, and validates it: the stage would fail and be rolled back";
    return { severity: "blocking", why };
  }
  if (!isSource) return undefined;
  const why = "their organization is unknown: they would go to the default organization";
  return { severity: "advisory", why };
}

/** Whether hardening replaces it by a key that includes the organization. */
function isReplaced(
  { settings, snapshot }: CheckContext,
  { relation, existing }: TableAhead,
  key: Referencing["key"],
): boolean {
  const named = settings.hardening.foreignKeys;
  const name = `${configuredName(relation, settings)}.${key.name}`;
  const parent = [...settings.tables.day1, ...settings.tables.day2].some(
    (one) => one.relation.schema === key.schema && one.relation.name === key.table,
  );
  const found = findRelation(snapshot, { schema: key.schema, name: key.table });
  return (
    (named.includes("all") || named.includes(name)) &&
    parent &&
    found !== undefined &&
    !key.columns.includes(settings.names.organizationColumn) &&
    whyKeyStays(snapshot, key, { child: existing, parent: found }) === undefined
  );
}
