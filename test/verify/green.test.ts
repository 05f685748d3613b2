import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import type { Config } from "../../src/config/schema.ts";
import { smallCompanies } from "../../src/mutation/small-company.ts";
import { withSession } from "../../src/postgres/sessions.ts";
import { ident, raw, sql } from "../../src/postgres/sql.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject, type Outcome } from "../setup/project.ts";

const [supabase] = smallCompanies;
if (supabase === undefined) throw new Error("there is no company on Supabase");
const company = supabase;

/** All that the small company has around its fence is fixed by Day 3. */
const config: Config = {
  ...company.config,
  hardening: { ...company.config.hardening, defaultPrivileges: ["all"] },
};

/** As CI calls it. */
const commands = ["--stage", "day3", "--verify"] as const;

let fenced: TestDatabase;

beforeAll(async () => {
  fenced = await makeDatabase("green");
  for (const statement of company.statements) await fenced.session.execute(statement);
});
afterAll(() => fenced.drop());

type Copy = {
  /** Runs statements on the copy as its owner. */
  readonly damage: (...statements: readonly string[]) => Promise<void>;
  /** `tenantry --stage day3 --verify`, as CI calls it. */
  readonly verify: (changed?: Config) => Promise<Outcome & { readonly script: string }>;
};

/** A copy of the database after the three days, for one test. */
async function onCopy(work: (copy: Copy) => Promise<void>): Promise<void> {
  const server = { url: inject("databaseUrl") };
  const name = `green_copy_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  await withSession(server, "test", {}, async (keeper) => {
    // A template has no other sessions.
    await fenced.session.close();
    await keeper.execute(
      sql`CREATE DATABASE ${ident(name)} TEMPLATE ${ident(databaseOf(fenced.url))}`,
    );
    try {
      const url = fenced.url.replace(databaseOf(fenced.url), name);
      await work({
        damage: (...statements) =>
          withSession({ url }, "test", {}, async (session) => {
            for (const statement of statements) await session.execute(raw(statement));
          }),
        verify: async (changed = config) => {
          const project = await makeProject(url, changed);
          const outcome = await project.tenantry(...commands, "--fix-sql", "fix.sql");
          const script = await readFile(path.join(project.folder, "fix.sql"), "utf8");
          return { ...outcome, script };
        },
      });
    } finally {
      await keeper.execute(sql`DROP DATABASE ${ident(name)} WITH (FORCE)`);
    }
  });
}

function databaseOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

test("the whole fence is green, and says so in one line", async () => {
  const project = await makeProject(fenced.url, config);
  const run = await project.tenantry("run", "--yes");
  expect(run.stderr).toMatch(/day3: applied and verified in .*; the fence holds \((\d+) of \1\)\n/);
  const verified = await project.tenantry(...commands);
  expect(verified).toMatchObject({ code: 0 });
  expect(verified.stdout).toMatch(/day3: (\d+) of \1 claims hold$/);
  const quiet = await project.tenantry("verify", "--quiet");
  expect(quiet.stdout).toMatch(/^day3: (\d+) of \1 claims hold$/);
});

/** What was once green on a database whose customers' rows were open to everybody. */
const open: readonly (readonly [string, readonly string[], RegExp])[] = [
  [
    "a function with its owner's rights reads and changes all rows",
    [
      `CREATE FUNCTION public.set_phone(which bigint, value text) RETURNS text LANGUAGE plpgsql
       SECURITY DEFINER SET search_path = '' AS $$
       DECLARE found text;
       BEGIN
         UPDATE public.leads SET phone = value WHERE id = which RETURNING secret INTO found;
         RETURN found;
       END $$`,
    ],
    /set_phone/,
  ],
  [
    "a materialized view is granted to requests",
    [
      "CREATE MATERIALIZED VIEW public.lead_totals AS SELECT user_id, count(*) FROM public.leads GROUP BY user_id",
      "GRANT SELECT ON public.lead_totals TO authenticated",
    ],
    /lead_totals/,
  ],
  [
    "a helper becomes SECURITY INVOKER",
    ["ALTER FUNCTION tenancy.caller_organizations() SECURITY INVOKER"],
    /caller_organizations/,
  ],
  [
    "a helper gets another owner",
    [
      "GRANT CREATE ON SCHEMA tenancy TO anon",
      "ALTER FUNCTION tenancy.caller_organizations() OWNER TO anon",
      "REVOKE CREATE ON SCHEMA tenancy FROM anon",
    ],
    /caller_organizations/,
  ],
  [
    "EXECUTE on a helper is revoked",
    ["REVOKE EXECUTE ON FUNCTION tenancy.caller_organizations() FROM PUBLIC"],
    /caller_organizations/,
  ],
  [
    "anon may empty memberships and notes",
    ["GRANT TRUNCATE ON public.organization_users, public.notes TO anon"],
    /notes/,
  ],
  [
    "a table is made after Day 3, open by default",
    [
      "CREATE TABLE public.invoices (id bigint PRIMARY KEY, total numeric)",
      "INSERT INTO public.invoices VALUES (1, 100)",
      "GRANT SELECT, INSERT, UPDATE, DELETE ON public.invoices TO authenticated",
    ],
    /invoices/,
  ],
  [
    "children are in another organization than their parent",
    [
      `SET session_replication_role = replica;
       UPDATE public.calls
          SET organization_id = (SELECT id FROM public.organizations WHERE slug <> 'alpha' LIMIT 1)
        WHERE organization_id = (SELECT id FROM public.organizations WHERE slug = 'alpha')`,
    ],
    /calls/,
  ],
];

test.for(open)("%s: CI fails, and the object is named", async ([, damage, said]) => {
  await onCopy(async ({ damage: run, verify }) => {
    await run(...damage);
    const verified = await verify();
    expect(verified.code, verified.stdout).toBe(3);
    expect(verified.stdout).toMatch(said);
  });
});

test("anon is asked for where the configuration leaves it out, as the README's example does", async () => {
  const { anonymous: _, ...roles } = config.roles ?? {};
  await onCopy(async ({ damage, verify }) => {
    await damage("GRANT TRUNCATE ON public.organization_users, public.notes TO anon");
    const verified = await verify({ ...config, roles: { signedIn: "authenticated", ...roles } });
    expect(verified.code).toBe(3);
    expect(verified.stdout).toMatch(/anon.* TRUNCATE/);
  });
});

test("a table that was only named in the configuration, after Day 3, is not taken for fenced", async () => {
  await onCopy(async ({ damage, verify }) => {
    await damage(
      "CREATE TABLE public.invoices (id bigint PRIMARY KEY, total numeric)",
      "GRANT SELECT, INSERT, UPDATE, DELETE ON public.invoices TO authenticated",
    );
    const verified = await verify({
      ...config,
      day2: { tables: { ...config.day2?.tables, invoices: "default" } },
    });
    expect(verified.code).toBe(3);
    expect(verified.stdout).toMatch(/invoices/);
  });
});

test("what cannot be tried is not proven, until somebody accepts it by name and for a time", async () => {
  await onCopy(async ({ damage, verify }) => {
    await damage(
      "CREATE SEQUENCE public.dialled", // its trigger does what a rollback would not undo
      `CREATE FUNCTION public.dial() RETURNS trigger LANGUAGE plpgsql AS
       'BEGIN PERFORM nextval(''public.dialled''); RETURN NEW; END'`,
      "CREATE TRIGGER dial BEFORE INSERT OR UPDATE ON public.calls FOR EACH ROW EXECUTE FUNCTION public.dial()",
      "GRANT USAGE ON SEQUENCE public.dialled TO authenticated, anon",
    );
    const verified = await verify();
    expect(verified.code).toBe(3);
    expect(verified.stdout).toMatch(/\? .*\n {4}calls was not written to: .* trigger dial/);
    expect(verified.stdout).toMatch(/claims hold, \d+ not proven/);
    const accept = (until: string): Config => ({
      ...config,
      audit: { accepted: [{ rule: "not-proven", object: "calls", reason: "it counts", until }] },
    });
    const accepted = await verify(accept("2999-12-31"));
    expect(accepted.stdout).toMatch(
      /calls was not written to.*accepted until 2999-12-31: it counts/,
    );
    expect(accepted.stdout).toMatch(/day3: (\d+) of \1 claims hold, 1 accepted$/);
    expect(accepted.code).toBe(0);
    expect((await verify(accept("2020-12-31"))).code).toBe(3);
  });
});

test("failures stand together by their cause, with the SQL that ends it, also as a script", async () => {
  await onCopy(async ({ damage, verify }) => {
    await damage(
      `CREATE POLICY "support can read" ON public.leads FOR SELECT TO authenticated USING (true)`,
      `DROP POLICY "Only their org's leads" ON public.leads`,
    );
    const verified = await verify();
    expect(verified.code).toBe(3);
    const cause = verified.stdout.split("\n✘ public.leads: ")[1] ?? "";
    expect(cause).toMatch(/^\d+ claims\n(.*\n)? {4}sees \d+ rows, of which \d+ are others'/);
    expect(cause).toMatch(/because .*no restrictive policy.*"support can read"/);
    expect(cause).toMatch(/\n {4}fix {6}BEGIN; .*CREATE POLICY "Only their org's leads"/);
    // The script does what it says: carried out, it ends every failure.
    await damage(verified.script);
    expect(await verify()).toMatchObject({ code: 0 });
  });
});
