import { describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { tryMutants } from "../../src/audit/mutants.ts";
import { proofLayer } from "../../src/mutation/layers.ts";
import { effects } from "../../src/mutation/mutants/effects.ts";
import { identity } from "../../src/mutation/mutants/identity.ts";
import { smallCompanies } from "../../src/mutation/small-company.ts";
import { withFencedCompany } from "../../src/operations/copy/fenced-company.ts";
import { openSession } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { prove } from "../../src/verify/stage.ts";

describe.each(smallCompanies)("$kind", { timeout: 600_000 }, (company) => {
  test("the proof finds nothing in a whole fence, and notices each one that takes a user for another, answers some users differently, or reaches a third organization", async () => {
    await withFencedCompany(
      { url: inject("databaseUrl") },
      company,
      async ({ session, settings, fence, run }) => {
        const layers = [proofLayer(settings, run)];
        const mutants = [...identity, ...effects];
        const { whole, results } = await tryMutants(session, fence, { mutants, layers });
        expect(whole.proof).toEqual([]);
        const unnoticed = results.filter(({ caught }) => caught.proof?.length === 0);
        expect(unnoticed.map(({ mutant }) => mutant.name)).toEqual([]);

        // Whether settings were never made can be tried in a session that never made them only.
        const [here] = await session.rows(
          sql`SELECT current_database()::text AS name`,
          z.object({ name: z.string() }),
        );
        const setting = company.kind === "supabase" ? "request.jwt.claims" : "app.user_id";
        await session.execute(
          raw(`CREATE OR REPLACE FUNCTION tenancy.caller_organizations() RETURNS SETOF uuid
                 LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path TO '' AS $f$
               BEGIN
                 RETURN QUERY SELECT m.organization_id FROM public.organization_users AS m
                               WHERE m.user_id = tenancy.caller()
                               UNION ALL
                              SELECT id FROM public.organizations
                               WHERE current_setting('${setting}', TRUE) IS NULL;
               END $f$`),
        );
        const fresh = await openSession({
          url: inject("databaseUrl"),
          ...(here === undefined ? {} : { database: here.name }),
        });
        const results2 = await prove(fresh, settings, run, "the fence").finally(() =>
          fresh.close(),
        );
        const unnamed = results2.find(({ claim }) => claim.includes("never named a user"));
        expect(unnamed?.violations.join()).toMatch(/never named a user sees rows of public\.leads/);
      },
    );
  });
});
