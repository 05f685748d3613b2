import { expect, test } from "vitest";
import type { Config } from "../../src/config/schema.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { raw } from "../../src/postgres/sql.ts";
import { tokenOf, whyNoPostgrest, withPostgrest } from "../code/server/postgrest.ts";
import { createDatabase } from "../setup/database.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { daysOn } from "../three-days/in-process.ts";

const missing = await whyNoPostgrest();
if (missing !== undefined) console.log(`no embedded select is asked: ${missing}`);

const hardened: Config = { ...smallCompany, hardening: { foreignKeys: ["all"] } };

/** As on Supabase: each change of the schema has PostgREST read it again. */
const reloads = [
  `CREATE FUNCTION pgrst_watch() RETURNS event_trigger LANGUAGE plpgsql AS
   $$BEGIN NOTIFY pgrst, 'reload schema'; END$$`,
  "CREATE EVENT TRIGGER pgrst_ddl_watch ON ddl_command_end EXECUTE FUNCTION pgrst_watch()",
  "CREATE EVENT TRIGGER pgrst_drop_watch ON sql_drop EXECUTE FUNCTION pgrst_watch()",
];

const roles = [
  `DO $$BEGIN CREATE ROLE anon NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$`,
  `DO $$BEGIN CREATE ROLE service_role NOLOGIN BYPASSRLS; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$`,
  "GRANT USAGE ON SCHEMA public TO service_role",
  "GRANT ALL ON ALL TABLES IN SCHEMA public TO service_role",
];

/** Each step of a run, and each that is undone, waits: PostgREST reads the schema in between. */
const slowSteps = [
  `CREATE FUNCTION tenantry.wait() RETURNS trigger LANGUAGE plpgsql AS
   $$BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END$$`,
  `CREATE TRIGGER wait BEFORE UPDATE OF state ON tenantry.step FOR EACH ROW
   WHEN (OLD.state IS DISTINCT FROM NEW.state AND NEW.id LIKE '%/calls_lead_id_fkey/%')
   EXECUTE FUNCTION tenantry.wait()`,
];

const embeds = [
  "calls?select=id,leads(id,phone)&limit=2",
  "leads?select=id,calls(id)&limit=2",
  "calls?select=id,leads!calls_lead_id_fkey(id)&limit=2",
  "leads?select=id,calls!inner(id)&limit=2",
];

/** Asks all embedded selects, over and over, until the work is done. */
async function askedMeanwhile(
  url: string,
  session: Session,
  work: () => Promise<void>,
): Promise<{ readonly asked: number; readonly refused: readonly string[] }> {
  const headers = { authorization: `Bearer ${tokenOf("service_role")}` };
  const refused = new Set<string>();
  let asked = 0;
  let working = true;
  const asking = async (query: string) => {
    while (working) {
      const answer = await fetch(`${url}/${query}`, { headers });
      const text = await answer.text();
      if (answer.status !== 200) refused.add(`${query}: ${answer.status} ${text}`);
      asked += 1;
    }
  };
  const reloading = async () => {
    while (working) {
      await session.execute(raw("NOTIFY pgrst, 'reload schema'"));
      await new Promise((done) => setTimeout(done, 100));
    }
  };
  const all = Promise.all([...embeds.map(asking), reloading()]);
  try {
    await work();
  } finally {
    working = false;
    await all;
  }
  return { asked, refused: [...refused] };
}

test.skipIf(missing !== undefined)(
  "PostgREST answers every embedded select while Day 3 replaces a foreign key and while it is rolled back",
  { timeout: 300_000 },
  async () => {
    const { session, url: database } = await createDatabase("embedded selects");
    await makeSmallCompany(session, 200);
    for (const statement of roles) await session.execute(raw(statement));
    const days = await daysOn(database, hardened);
    await days.run("day1");
    await days.run("day2");
    for (const statement of [...reloads, ...slowSteps]) await session.execute(raw(statement));
    const beside = await openSession({ url: database }, "reloads");
    try {
      await withPostgrest(database, async (url) => {
        const run = await askedMeanwhile(url, beside, () => days.run("day3"));
        expect(run.refused).toEqual([]);
        const back = await askedMeanwhile(url, beside, () => days.rollBack("day3"));
        expect(back.refused).toEqual([]);
        expect(Math.min(run.asked, back.asked)).toBeGreaterThan(embeds.length);

        // A second key is what PostgREST refuses: what is asked here would tell.
        await session.execute(
          raw(
            "ALTER TABLE calls ADD CONSTRAINT another FOREIGN KEY (lead_id) REFERENCES leads NOT VALID",
          ),
        );
        const two = await askedMeanwhile(
          url,
          beside,
          () => new Promise((done) => setTimeout(done, 2_000)),
        );
        expect(two.refused.join()).toContain("PGRST201");
      });
    } finally {
      await beside.close();
    }
  },
);
