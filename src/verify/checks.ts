import { z } from "zod";
import { messageOf } from "../errors.ts";
import type { CheckResult } from "../events/verification.ts";
import type { Queries } from "../postgres/connection.ts";
import { sqlState } from "../postgres/connection.ts";
import type { Check } from "../steps/model/step.ts";

/**
 * Runs checks. A check whose query fails (its table was dropped, the role may not read it) does not hold:
 * what could not be checked is a finding.
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

/** Whether a check's query succeeded. */
export function isAnswered({ violations }: CheckResult): boolean {
  return !violations.some((violation) => violation.startsWith(`${notChecked}: `));
}
