import { describe, expect, inject, test } from "vitest";
import { audit } from "../../src/audit/audit.ts";
import type { BrokenFence } from "../../src/audit/rule.ts";
import { rules } from "../../src/audit/rules/index.ts";
import { smallCompanies } from "../../src/mutation/small-company.ts";
import { withFencedCompany } from "../../src/operations/copy/fenced-company.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { rolledBack } from "../../src/postgres/rolled-back.ts";
import { type HarmlessChange, harmlessChanges } from "./harmless-changes.ts";

async function findingsAfter(
  session: Session,
  fence: BrokenFence,
  { name, statements, named }: HarmlessChange,
): Promise<string[]> {
  return rolledBack(session, async (queries) => {
    for (const statement of statements(fence)) await queries.execute(statement);
    const found = await audit(queries, named?.(fence) ?? fence, rules);
    return found.map(({ id, object, fact }) => `${name}: ${id}: ${object}: ${fact}`);
  });
}

describe("a change of a fenced database that opens nothing", { timeout: 600_000 }, () => {
  test.concurrent.each(smallCompanies)("is no finding of the audit: $kind", async (company) => {
    const server = { url: inject("databaseUrl") };
    const found = await withFencedCompany(server, company, async ({ session, fence }) => {
      const all: string[] = [];
      for (const change of harmlessChanges) {
        if (change.only !== undefined && change.only !== fence.identity) continue;
        all.push(...(await findingsAfter(session, fence, change)));
      }
      return all;
    });
    expect(found).toEqual([]);
    expect(harmlessChanges.length).toBeGreaterThanOrEqual(40);
  });
});
