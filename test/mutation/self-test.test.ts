import { describe, expect, inject, test } from "vitest";
import { leakNames, notHeld } from "../../src/audit/leaks.ts";
import { type MutationResults, tryMutants } from "../../src/audit/mutants.ts";
import type { Mutant } from "../../src/audit/rule.ts";
import { auditLayer, driftLayer, proofLayer } from "../../src/mutation/layers.ts";
import { helpers } from "../../src/mutation/mutants/helpers.ts";
import { mutants } from "../../src/mutation/mutants/index.ts";
import { findingsOfTheWhole, scoreOf } from "../../src/mutation/score.ts";
import { smallCompanies } from "../../src/mutation/small-company.ts";
import { withFencedCompany } from "../../src/operations/copy/fenced-company.ts";
import { sql } from "../../src/postgres/sql.ts";
import { makeProject } from "../setup/project.ts";
import { smallCompany } from "../setup/small-company.ts";

/** The last mutant of each leak. */
const ofEachLeak: readonly Mutant[] = leakNames.flatMap((leak) =>
  mutants.filter((mutant) => mutant.leak === leak).slice(-1),
);

/** Open for rows of no organization, which a trigger would give one before the policies are asked. */
const openForNone = mutants.filter(
  ({ name }) => name === "all policies open for rows of no organization",
);

/** Does no harm, so that nobody can notice it. */
const harmless: Mutant = {
  name: "nothing broken at all",
  leak: "tautology",
  kind: "damage",
  damage: () => [sql`SELECT 1`],
};

function tried(kind: string, chosen: readonly Mutant[]): Promise<MutationResults> {
  const company = smallCompanies.find((one) => one.kind === kind);
  if (company === undefined) throw new Error(`there is no company ${kind}`);
  const server = { url: inject("databaseUrl") };
  return withFencedCompany(server, company, ({ session, settings, fence, run, left }) =>
    tryMutants(session, fence, {
      mutants: chosen,
      layers: [auditLayer, proofLayer(settings, run), driftLayer(left)],
    }),
  );
}

describe("the fence of small databases, broken", () => {
  test.concurrent("on Supabase: a whole one gives no finding, one broken in each way is noticed", async () => {
    const results = await tried("supabase", ofEachLeak);
    expect(findingsOfTheWhole(results)).toEqual([]);
    expect(scoreOf(results)).toMatchObject({ mutants: ofEachLeak.length, survivors: [] });
  });

  test.concurrent("on PostgreSQL alone: what the helpers answer, and rows of no organization, are noticed by those who try it", async () => {
    const results = await tried("plain", [...helpers, ...openForNone, harmless]);
    expect(findingsOfTheWhole(results)).toEqual([]);
    const unnoticed = results.results.filter(({ caught }) => caught.proof?.length === 0);
    expect(unnoticed.map(({ mutant }) => mutant.name)).toEqual([harmless.name]);
    expect(scoreOf(results).survivors).toEqual([harmless.name]);
  });
});

test("each way out is opened by a mutant, or it is said why none can open it", () => {
  const opened = new Set(mutants.map(({ leak }) => leak));
  for (const leak of leakNames) {
    const because = notHeld[leak] ?? "a mutant";
    expect([leak, because === "a mutant"]).toEqual([leak, opened.has(leak)]);
  }
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  expect(mutants.length).toBeGreaterThanOrEqual(100);
});

test("the self-test is not the comparison with the journal", async () => {
  const project = await makeProject("postgresql://nowhere:1/none", smallCompany);
  const outcome = await project.tenantry("audit", "--self-test", "--drift");
  expect(outcome).toMatchObject({ code: 2 });
  expect(outcome.stderr).toContain("goes without --self-test");
});
