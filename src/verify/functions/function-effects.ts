import { z } from "zod";
import { ident, list, type Sql, sql } from "../../postgres/sql.ts";
import { type AttackSetup, attackersRequest, joinOnly } from "../attacks/attack-setup.ts";
import { keysOf } from "../attacks/interference.ts";
import { attemptThenUndo } from "../proof/attempt.ts";
import type { Violation } from "../proof/violation.ts";
import type { Tried } from "../tables/try-writes.ts";
import { callsOf, type FunctionCall, ownersFunctions } from "./owners-functions.ts";

/**
 * Calls functions that run as their owner and may write, with other organizations' keys. Each call is undone,
 * and judged by the rows of all other organizations.
 */
export async function tryFunctionEffects(setup: AttackSetup): Promise<Tried> {
  await joinOnly(setup, ["own"]);
  const functions = (await ownersFunctions(setup)).filter(({ undone }) => undone);
  const called = functions.filter(({ notCalled }) => notCalled === undefined);
  const remarks = functions.flatMap(({ notCalled, routine }) =>
    notCalled === undefined ? [] : [`${routine.shown} was not called: ${notCalled}`],
  );
  const violations: Violation[] = [];
  if (called.length === 0) return { violations, remarks };
  const values = [
    setup.foreign,
    ...(await keysOf(setup, setup.foreign)),
    setup.own,
    ...(await keysOf(setup, setup.own)),
  ];
  const rowsOfOthers = rowsQuery(setup);
  const before = await rowsNow(setup, rowsOfOthers);
  for (const one of called) {
    const tried = await tryCalls(setup, callsOf([one], values), { rowsOfOthers, before });
    violations.push(...tried.violations);
    remarks.push(...tried.remarks);
  }
  return { violations, remarks };
}

/** Calls one function until a call changes something. */
async function tryCalls(
  setup: AttackSetup,
  calls: readonly FunctionCall[],
  { rowsOfOthers, before }: { readonly rowsOfOthers: Sql; readonly before: string },
): Promise<Tried> {
  const errors = new Set<string>();
  let answered = false;
  for (const { of, object, statement } of calls) {
    const request = attackersRequest(setup);
    const { outcome, seen } = await attemptThenUndo(setup.queries, statement, request, () =>
      rowsNow(setup, rowsOfOthers),
    );
    if (outcome.kind === "refused") errors.add(`${outcome.message} (SQLSTATE ${outcome.sqlState})`);
    else answered = true;
    if (seen === before) continue;
    const what = `${of.routine.shown} writes to others' rows`;
    const answer = "rows of other organizations changed";
    const shown = { who: "a member", request, object, statement, answer };
    return { violations: [{ what, shown }], remarks: [] };
  }
  const name = calls[0]?.of.routine.shown ?? "";
  const [error] = errors;
  const remarks =
    answered || error === undefined ? [] : [`${name}: every call ended in an error: ${error}`];
  return { violations: [], remarks };
}

/** The tables whose rows of others must not change, each with the column of the organization. */
function judgedTables({ fences, settings, tenancy }: AttackSetup) {
  const { column, organizations, memberships } = tenancy;
  return [
    ...fences.map(({ relation }) => ({ relation, organization: column })),
    { relation: organizations, organization: "id" },
    { relation: memberships, organization: "organization_id" },
    // Shared tables have no rows of the caller's.
    ...settings.shared.map(({ relation }) => ({ relation, organization: undefined })),
  ];
}

/** The query for a digest of all rows that are not of the attacker's organization. */
function rowsQuery(setup: AttackSetup): Sql {
  const { own } = setup;
  const parts = judgedTables(setup).map(({ relation, organization }): Sql => {
    const others =
      organization === undefined
        ? sql``
        : sql`WHERE record.${ident(organization)} IS DISTINCT FROM ${own}::uuid`;
    return sql`SELECT count(*) || ' ' || coalesce(sum(hashtextextended(record::text, 0)), 0) AS digest FROM ${ident(relation)} AS record ${others}`;
  });
  return list(parts, " UNION ALL ");
}

async function rowsNow({ queries }: AttackSetup, rowsOfOthers: Sql): Promise<string> {
  return JSON.stringify(await queries.rows(rowsOfOthers, z.object({ digest: z.string() })));
}
