import { describe, expect, inject, test } from "vitest";
import { leakNames, notHeld } from "../../src/audit/leaks.ts";
import { type MutationResults, tryMutants } from "../../src/audit/mutants.ts";
import type { Mutant } from "../../src/audit/rule.ts";
import { auditLayer, driftLayer, proofLayer } from "../../src/mutation/layers.ts";
import { helpers } from "../../src/mutation/mutants/helpers.ts";
import { mutants } from "../../src/mutation/mutants/index.ts";
import { silence } from "../../src/mutation/mutants/silence.ts";
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

/** Those of Supabase only, which the company on PostgreSQL alone does not have. */
const silenceOnSupabase = silence.filter(
  (mutant) => mutant.kind === "damage" && mutant.identity === "supabase",
);

/** Does no harm, so that no layer can notice it. */
const harmless: Mutant = {
  name: "nothing broken at all",
  leak: "tautology",
  kind: "damage",
  damage: () => [sql`SELECT 1`],
};

function unnoticedByProof({ results }: MutationResults): string[] {
  return results
    .filter(({ caught }) => caught.proof?.length === 0)
    .map(({ mutant }) => mutant.name);
}

function tried(kind: string, chosen: readonly Mutant[]): Promise<MutationResults> {
  const company = smallCompanies.find((one) => one.kind === kind);
  if (company === undefined) throw new Error(`there is no company ${kind}`);
  const server = { url: inject("databaseUrl") };
  return withFencedCompany(server, company, ({ session, settings, fence, run, left }) =>
    tryMutants(session, fence, {
      mutants: chosen,
      layers: [auditLayer, proofLayer(settings, run), driftLayer(settings, left)],
    }),
  );
}

describe("the fence of small databases, broken", { timeout: 600_000 }, () => {
  test.concurrent("on Supabase: a whole one gives no finding, one broken in each way is noticed", async () => {
    const chosen = [...new Set([...ofEachLeak, ...silenceOnSupabase])];
    const results = await tried("supabase", chosen);
    expect(findingsOfTheWhole(results)).toEqual([]);
    expect(scoreOf(results)).toMatchObject({ mutants: chosen.length, survivors: [] });
    const silent = results.results.filter(({ mutant }) => mutant.leak === "silent-fence");
    expect(silent.length).toBeGreaterThan(1);
    expect(unnoticedByProof({ ...results, results: silent })).toEqual([]);
  });

  test.concurrent("on PostgreSQL alone: the proof notices what the helpers answer, a fence that refuses members, and rows of no organization", async () => {
    const results = await tried("plain", [...helpers, ...silence, ...openForNone, harmless]);
    expect(findingsOfTheWhole(results)).toEqual([]);
    expect(unnoticedByProof(results)).toEqual([harmless.name]);
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
