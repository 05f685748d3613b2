import { z } from "zod";
import type { Config } from "../../src/config/schema.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { raw, type Sql, sql } from "../../src/postgres/sql.ts";
import { accepted, makeSmallCompany, smallCompany } from "../setup/small-company.ts";

/** Everything that can be hardened is. */
export const allHardened: Config = {
  ...smallCompany,
  sharedTables: { countries: "the same for everybody" },
  online: { batchTargetInMilliseconds: 5 },
  // What no hardening of these ends.
  audit: {
    accepted: [
      ...(smallCompany.audit?.accepted ?? []),
      // It answers for every lead, and is hardened only in its search_path here.
      accepted("definer-function", "whose(bigint)", "a lead's person is no secret"),
      accepted("definer-function", "forget_calls()", "it deletes nothing"),
      accepted("not-proven", "forget_calls()", "it deletes nothing"),
      accepted("grant-option", "public.countries", "the reports grant it on"),
    ],
  },
  hardening: {
    foreignKeys: ["all"],
    uniqueConstraints: ["all"],
    policies: ["all"],
    views: ["all"],
    materializedViews: ["all"],
    functions: ["all"],
    sequences: ["all"],
    defaultPrivileges: ["all"],
  },
};

/** What years of one tenant leave beside the tables: each is a way round the fence, or past it. */
const leftBehind = [
  "CREATE TABLE countries (code text PRIMARY KEY)",
  "INSERT INTO countries VALUES ('de'), ('fr')",
  "GRANT ALL ON countries TO small_company_app WITH GRANT OPTION",
  "GRANT REFERENCES (code) ON countries TO small_company_app",
  // A view, a view over it with options in an order of their own, and one that is materialized.
  `CREATE VIEW "leads seen" WITH (security_barrier) AS SELECT id, phone, person_id FROM leads`,
  `CREATE VIEW leads_counted WITH (security_invoker = false, security_barrier = true)
     AS SELECT count(*)::integer AS many FROM "leads seen"`,
  "CREATE MATERIALIZED VIEW calls_counted AS SELECT lead_id, count(*) AS many FROM calls GROUP BY lead_id",
  `GRANT ALL ON "leads seen", leads_counted TO small_company_app`,
  "GRANT SELECT ON calls_counted TO PUBLIC",
  "GRANT SELECT (lead_id) ON calls_counted TO small_company_app WITH GRANT OPTION",
  `CREATE FUNCTION whose("a lead" bigint, OUT person bigint) LANGUAGE plpgsql SECURITY DEFINER
     SET statement_timeout = '5s'
     AS $$ BEGIN person := (SELECT person_id FROM leads WHERE id = "a lead"); END $$`,
  `CREATE PROCEDURE forget_calls() LANGUAGE plpgsql SECURITY DEFINER
     AS $$ BEGIN DELETE FROM calls WHERE FALSE; END $$`,
  // In force before the plan: for everybody; for a role; narrow beside them.
  "ALTER TABLE settings ENABLE ROW LEVEL SECURITY",
  `CREATE POLICY "Enable all access" ON settings USING (TRUE)`,
  `COMMENT ON POLICY "Enable all access" ON settings IS 'it''s the dashboard''s'`,
  "ALTER TABLE calls ENABLE ROW LEVEL SECURITY",
  "CREATE POLICY reads ON calls FOR SELECT TO small_company_app USING (1 = 1)",
  "CREATE POLICY writes ON calls FOR INSERT WITH CHECK (TRUE)",
  "CREATE POLICY changes ON calls FOR UPDATE USING (said <> 'goodbye') WITH CHECK (said <> 'goodbye')",
  // Asleep, until the plan turns row-level security on.
  "CREATE POLICY asleep ON leads FOR DELETE USING (id IS NOT NULL)",
  "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO small_company_app",
  "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO small_company_app",
  "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO small_company_app WITH GRANT OPTION",
  "ALTER DEFAULT PRIVILEGES GRANT TRUNCATE ON TABLES TO PUBLIC",
];

const one = z.object({ one: z.unknown() });

/** Makes the small company with all of it, and further statements; takes a superuser. */
export async function makeHardenedCompany(
  session: Session,
  ...further: readonly string[]
): Promise<void> {
  await makeSmallCompany(session, 200);
  const [server] = await session.rows(
    sql`SELECT current_setting('server_version_num')::integer >= 150000 AS one`,
    one,
  );
  for (const statement of [...leftBehind, ...further]) {
    const written = server?.one ? statement : statement.replace("security_invoker = false, ", "");
    await session.execute(raw(written));
  }
}

/** What a query `one` says to a user of the application. */
export async function askedBy(session: Session, person: number, query: Sql): Promise<unknown> {
  return session.transaction(async (queries) => {
    await queries.execute(sql`SET LOCAL ROLE small_company_app`);
    await queries.execute(sql`SELECT set_config('app.user_id', ${String(person)}, TRUE)`);
    const [row] = await queries.rows(query, one);
    return row?.one;
  });
}
