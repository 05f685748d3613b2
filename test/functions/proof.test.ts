import { expect, inject, test } from "vitest";
import { audit } from "../../src/audit/audit.ts";
import { tryMutants } from "../../src/audit/mutants.ts";
import { rules } from "../../src/audit/rules/index.ts";
import type { CheckResult } from "../../src/events/verification.ts";
import { auditLayer } from "../../src/mutation/layers.ts";
import { functions as functionMutants } from "../../src/mutation/mutants/functions.ts";
import { smallCompanies } from "../../src/mutation/small-company.ts";
import { withFencedCompany } from "../../src/operations/copy/fenced-company.ts";
import { nestedSession } from "../../src/postgres/nested-session.ts";
import { rolledBack } from "../../src/postgres/rolled-back.ts";
import { raw } from "../../src/postgres/sql.ts";
import { tryAttacks } from "../../src/verify/attacks/attacks.ts";

const definer = "SECURITY DEFINER SET search_path = pg_catalog, public";

/** What the proof says of a function: `reads` and `writes` are violations, `untried` is a remark, `held` neither. */
type Said = "reads" | "writes" | "untried" | "held";

const cases: readonly (readonly [name: string, statement: string, here: Said, onClone: Said])[] = [
  [
    "deletes by a key of its caller",
    `CREATE FUNCTION shape(lead bigint) RETURNS void LANGUAGE sql ${definer} AS $$ DELETE FROM calls WHERE lead_id = lead $$`,
    "untried",
    "writes",
  ],
  [
    "writes by a pattern",
    `CREATE FUNCTION shape(pattern text) RETURNS void LANGUAGE plpgsql ${definer} AS $$ BEGIN UPDATE leads SET secret = 'x' WHERE phone LIKE pattern; END $$`,
    "untried",
    "writes",
  ],
  [
    "a procedure that writes by an organization, and a number",
    `CREATE PROCEDURE shape(org uuid, n integer) LANGUAGE plpgsql ${definer} AS $$ BEGIN DELETE FROM notes WHERE organization_id = org; END $$`,
    "untried",
    "writes",
  ],
  [
    "reads by SQL that it builds",
    `CREATE FUNCTION shape() RETURNS bigint LANGUAGE plpgsql ${definer} AS $$ BEGIN EXECUTE 'DELETE FROM notes'; RETURN 1; END $$`,
    "untried",
    "writes",
  ],
  [
    "a STABLE function that calls one that writes",
    `CREATE FUNCTION emptied() RETURNS void LANGUAGE sql AS 'DELETE FROM public.calls';
     CREATE FUNCTION shape() RETURNS void LANGUAGE plpgsql STABLE ${definer} AS $$ BEGIN PERFORM emptied(); END $$`,
    "untried",
    "writes",
  ],
  [
    "sets a sequence, which a rollback does not undo",
    `CREATE FUNCTION shape() RETURNS bigint LANGUAGE sql STABLE ${definer} AS $$ SELECT setval('leads_id_seq', 1) $$`,
    "untried",
    "held",
  ],
  [
    "VOLATILE, and its body shows that it only reads",
    `CREATE FUNCTION shape(org uuid, b boolean) RETURNS bigint LANGUAGE plpgsql ${definer} AS $$ BEGIN RETURN (SELECT count(*) FROM leads WHERE organization_id = org AND b); END $$`,
    "reads",
    "reads",
  ],
  [
    "reads the caller's rows",
    `CREATE FUNCTION shape() RETURNS SETOF leads LANGUAGE sql ${definer} AS $$ SELECT * FROM leads WHERE organization_id = ANY (ARRAY(SELECT tenancy.caller_organizations())) $$`,
    "held",
    "held",
  ],
  [
    "writes the caller's rows",
    `CREATE FUNCTION shape() RETURNS void LANGUAGE sql ${definer} AS $$ DELETE FROM leads WHERE organization_id = ANY (ARRAY(SELECT tenancy.caller_organizations())) $$`,
    "untried",
    "held",
  ],
  [
    "asks first, and refuses",
    `CREATE FUNCTION shape(org uuid) RETURNS void LANGUAGE plpgsql ${definer} AS $$ BEGIN
       IF NOT EXISTS (SELECT FROM organization_users WHERE user_id = auth.uid() AND organization_id = org) THEN RAISE EXCEPTION 'no'; END IF;
       DELETE FROM leads WHERE organization_id = org; END $$`,
    "untried",
    "held",
  ],
  [
    "always fails",
    `CREATE FUNCTION shape(org uuid) RETURNS void LANGUAGE plpgsql ${definer} AS $$ BEGIN DELETE FROM leads WHERE id = 1 / 0; END $$`,
    "untried",
    "untried",
  ],
];

function said(results: readonly CheckResult[]): Said {
  const all = results.filter(({ claim, violations, unproven = [] }) =>
    [claim, ...violations, ...unproven.map(({ what }) => what)].some((text) =>
      /\bshape\(/.test(text),
    ),
  );
  const violations = all.flatMap((one) => one.violations);
  if (violations.some((text) => text.includes("writes to others' rows"))) return "writes";
  if (violations.length > 0) return "reads";
  return all.length > 0 ? "untried" : "held";
}

test("functions are called with others' keys: all of them on a clone, and on the database what changes nothing", {
  timeout: 300_000,
}, async () => {
  const company = smallCompanies.find(({ kind }) => kind === "supabase");
  if (company === undefined) throw new Error("there is no company on Supabase");
  await withFencedCompany({ url: inject("databaseUrl") }, company, async (fenced) => {
    const { session, settings, run, fence } = fenced;
    const { tenancy, fences } = run;
    const results: unknown[] = [];
    for (const [name, statement] of cases) {
      const one = await rolledBack(session, async (queries) => {
        await queries.execute(raw(statement));
        const nested = nestedSession(session, queries);
        const on = async (onClone: boolean) =>
          said(
            await tryAttacks(nested, { settings, tenancy, fences, onClone }, "around the fence"),
          );
        return [name, statement, await on(false), await on(true)];
      });
      results.push(one);
    }
    expect(results).toEqual(cases);

    // The catalog's rules find each way in which such a function is reached.
    expect(await session.transaction((queries) => audit(queries, fence, rules))).toEqual([]);
    const mutants = functionMutants.filter(({ leak }) => leak === "definer-function");
    const tried = await tryMutants(session, fence, { mutants, layers: [auditLayer] });
    const escaped = tried.results.filter(
      ({ caught }) => !caught.audit?.some((finding) => finding.startsWith("definer-function: ")),
    );
    expect(escaped.map(({ mutant }) => mutant.name)).toEqual([]);
  });
});
