import { z } from "zod";
import { messageOf } from "../errors.ts";
import type { CheckResult } from "../events/events.ts";
import type { Queries } from "../postgres/connection.ts";
import { sqlState } from "../postgres/connection.ts";
import type { Check } from "../steps/model/step.ts";

/**
 * Asks checks. A check that cannot be asked (its table is gone, the role may not look) does not
 * hold: what could not be checked is a finding.
 */
export async function ask(queries: Queries, checks: readonly Check[]): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { claim, violations } of checks) {
    results.push({ claim, violations: await violationsOf(queries, violations) });
  }
  return results;
}

async function violationsOf(queries: Queries, query: Check["violations"]): Promise<string[]> {
  try {
    const rows = await queries.rows(query, z.object({ violation: z.string() }));
    return rows.map(({ violation }) => violation);
  } catch (error) {
    if (sqlState(error) === undefined) throw error;
    return [`${notChecked}: ${messageOf(error)}`];
  }
}

const notChecked = "could not be checked";

/** Whether a check was answered, and not only could not be asked. */
export function isAnswered({ violations }: CheckResult): boolean {
  return !violations.some((violation) => violation.startsWith(`${notChecked}: `));
}
