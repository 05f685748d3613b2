import { expect, test } from "vitest";
import { z } from "zod";
import { audit } from "../../src/audit/audit.ts";
import { auditContext } from "../../src/audit/context.ts";
import { rules } from "../../src/audit/rules/index.ts";
import { readRoutines } from "../../src/catalog/routines/read-routines.ts";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { parseSettings } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { AppError } from "../../src/errors.ts";
import { planStages } from "../../src/plan/plan.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { sqlState } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { stages } from "../../stages/index.ts";
import { askedBy } from "../hardening/hardened-company.ts";
import { createDatabase } from "../setup/database.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { daysOn } from "../three-days/in-process.ts";

const config: Config = {
  ...smallCompany,
  hardening: { foreignKeys: ["all"], functions: ["all"], definerFunctions: ["all"] },
  functions: [
    { function: "public.known()", do: "keep", reason: "a public counter", until: "2999-12-31" },
  ],
};

const pinned = "SECURITY DEFINER SET search_path = public, pg_temp";
const functions = [
  `CREATE FUNCTION lead_phone("a lead" bigint DEFAULT NULL) RETURNS text LANGUAGE sql STABLE STRICT COST 7 ${pinned}
     AS $$ SELECT phone FROM leads WHERE id = "a lead" $$`,
  "COMMENT ON FUNCTION lead_phone(bigint) IS 'the phone of a lead'",
  "GRANT EXECUTE ON FUNCTION lead_phone(bigint) TO small_company_app WITH GRANT OPTION",
  `CREATE FUNCTION calls_of(lead bigint) RETURNS TABLE (call bigint, said text) LANGUAGE sql ${pinned}
     BEGIN ATOMIC SELECT c.id, c.said FROM calls c WHERE c.lead_id = calls_of.lead; END`,
  `CREATE FUNCTION forget(VARIADIC lead bigint[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
     AS $$ BEGIN DELETE FROM calls WHERE lead_id = ANY (lead); END $$`,
  `CREATE FUNCTION counted(lead bigint, OUT many bigint, OUT longest int) LANGUAGE plpgsql ${pinned}
     AS $$ BEGIN SELECT count(*), max(length(c.said)) INTO many, longest FROM calls c WHERE c.lead_id = lead; END $$`,
  `CREATE PROCEDURE close_lead(lead bigint) LANGUAGE plpgsql ${pinned} AS $$ BEGIN UPDATE leads SET phone = 'closed' WHERE id = lead; END $$`,
  `CREATE FUNCTION searched(pattern text) RETURNS SETOF calls LANGUAGE sql STABLE ${pinned}
     AS $$ SELECT * FROM calls WHERE said LIKE pattern $$`,
  `CREATE FUNCTION nightly() RETURNS void LANGUAGE sql ${pinned} AS $$ DELETE FROM calls WHERE said IS NULL $$`,
  "CREATE FUNCTION nightly(days int) RETURNS int LANGUAGE sql AS 'SELECT days'",
  `CREATE FUNCTION reported(t text) RETURNS bigint LANGUAGE plpgsql ${pinned} AS $$ DECLARE n bigint; BEGIN EXECUTE format('SELECT count(*) FROM %I', t) INTO n; RETURN n; END $$`,
  `CREATE FUNCTION known() RETURNS bigint LANGUAGE sql ${pinned} AS $$ SELECT count(*) FROM leads $$`,
];

const called = [
  "lead_phone",
  "calls_of",
  "forget",
  "counted",
  "close_lead",
  "searched",
  "reported",
].map((name) => ({ name, asService: false, place: `src/${name}.ts:1` }));

async function findings(session: Session): Promise<string[]> {
  const context = auditContext(parseSettings(config, "the test"), await readSnapshot(session));
  const found = await session.transaction((queries) =>
    audit(queries, { ...context, calls: called }, rules),
  );
  return found.filter(({ id }) => id === "definer-function").map(({ object }) => object);
}

const one = z.object({ one: z.string() });

async function leadOf(session: Session, slug: string): Promise<string> {
  const [row] = await session.rows(
    sql`
      SELECT min(l.id)::text AS one
        FROM leads l
        JOIN organizations o ON o.id = l.organization_id
       WHERE o.slug = ${slug}
    `,
    one,
  );
  return row?.one ?? "";
}

test("functions that requests reach as their owner are guarded or revoked, and go back byte for byte", {
  timeout: 200_000,
}, async () => {
  const { session, url } = await createDatabase("guarded functions");
  await makeSmallCompany(session, 200);
  for (const statement of functions) await session.execute(raw(statement));
  const days = await daysOn(url, config, called);
  await days.run("day1");
  await days.run("day2");
  const { fingerprint } = await readSnapshot(session);
  expect(await findings(session)).toEqual([
    "calls_of(bigint)",
    "close_lead(bigint)",
    "counted(bigint)",
    "forget(bigint[])",
    "lead_phone(bigint)",
    "nightly()",
    "reported(text)",
    "searched(text)",
  ]);
  await days.run("day3");
  // Dynamic SQL, which the application calls, is for a person to decide.
  expect(await findings(session)).toEqual(["reported(text)"]);

  const mine = await leadOf(session, "alpha");
  const theirs = await leadOf(session, "default-org");
  const asked = (call: string) =>
    askedBy(session, 4, raw(call)).catch((error: unknown) => sqlState(error));
  const answers: Record<string, unknown> = {};
  for (const [whose, lead] of Object.entries({ mine, theirs })) {
    answers[whose] = [
      typeof (await asked(`SELECT lead_phone(${lead}) AS one`)),
      await asked(`SELECT count(*)::int AS one FROM calls_of(${lead})`),
      await asked(`SELECT many::int AS one FROM counted(${lead})`),
      await asked(`SELECT forget(${mine}, ${lead})::text AS one`),
      await asked(`CALL close_lead(${lead})`),
    ];
  }
  expect(answers["mine"]).toEqual(["string", 1, 1, "", undefined]);
  const refused = "42501";
  expect(answers["theirs"]).toEqual(["string", refused, refused, refused, refused]);
  expect(await asked(`SELECT lead_phone(${theirs}) AS one`)).toBe(refused);
  expect(await asked("SELECT nightly()::text AS one")).toBe(refused);
  expect(await asked("SELECT nightly(1) AS one")).toBe(1);
  expect(await asked("SELECT count(DISTINCT organization_id)::int AS one FROM searched('%')")).toBe(
    1,
  );
  expect(await asked("SELECT tenancy.lead_phone(1) AS one")).toBe(refused);
  // The owner, and roles that bypass row-level security, are not asked for an organization.
  const [all] = await session.rows(
    sql`SELECT count(DISTINCT organization_id)::text || lead_phone(${theirs}::bigint) AS one FROM searched('%')`,
    one,
  );
  expect(all?.one).toMatch(/^2/);

  await days.rollBack("day3");
  expect((await readSnapshot(session)).fingerprint).toEqual(fingerprint);
});

test("a revoke of a function that the application calls is refused with the place", async () => {
  const { session } = await createDatabase("revoked and called");
  await makeSmallCompany(session, 20);
  for (const statement of functions) await session.execute(raw(statement));
  const snapshot = await readSnapshot(session);
  const routines = await session.transaction((queries) =>
    readRoutines(queries, ["small_company_app"]),
  );
  const day3 = stages.filter(({ name }) => name === "day3");
  const faults = (one: NonNullable<Config["functions"]>[number]): readonly string[] => {
    const settings = parseSettings({ ...config, functions: [one] }, "the test");
    try {
      planStages(settings, snapshot, day3, { origin: "the test", routines, calls: called });
      return [];
    } catch (error) {
      return error instanceof AppError ? error.details : [String(error)];
    }
  };
  const reported = "reported(text)";
  expect(faults({ function: reported, do: "revoke" }).join()).toMatch(
    /reported\(text\) is called by the application in src\/reported\.ts:1, which would fail/,
  );
  expect(faults({ function: reported, do: "guard" }).join()).toMatch(/dynamic SQL/);
  expect(faults({ function: "reported(int)", do: "revoke" }).join()).toContain(
    "did you mean reported(text)?",
  );
  expect(faults({ function: "nightly()", do: "revoke" })).toEqual([]);
});
