import { expect, inject, test } from "vitest";
import { audit } from "../../src/audit/audit.ts";
import type { AuditContext, BrokenFence } from "../../src/audit/rule.ts";
import { rules } from "../../src/audit/rules/index.ts";
import { smallCompanies } from "../../src/mutation/small-company.ts";
import { withFencedCompany } from "../../src/operations/copy/fenced-company.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { rolledBack } from "../../src/postgres/rolled-back.ts";
import { ident, type Sql, sql } from "../../src/postgres/sql.ts";

type Later = {
  readonly name: string;
  readonly statements: (fence: BrokenFence) => readonly Sql[];
  readonly named?: (fence: BrokenFence) => AuditContext;
  /** As `rule: object`; others may be found too. */
  readonly found: readonly string[];
};

const later: readonly Later[] = [
  {
    name: "a table that is open by default privileges",
    statements: ({ role }) => [
      sql`ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ${ident(role)}`,
      sql`CREATE TABLE public.later (secret text)`,
    ],
    found: [
      "row-security-off: public.later",
      "unlisted-table: public.later",
      "default-privileges: default privileges of postgres in public",
    ],
  },
  {
    name: "default privileges for a group of the role of requests",
    statements: ({ role }) => [
      sql`CREATE ROLE later_group`,
      sql`GRANT later_group TO ${ident(role)}`,
      sql`ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO later_group`,
    ],
    found: ["default-privileges: default privileges of postgres in public"],
  },
  {
    name: "a table in another schema that requests have USAGE on, open to PUBLIC",
    statements: () => [
      sql`CREATE SCHEMA beside`,
      sql`CREATE TABLE beside.later (secret text)`,
      sql`GRANT USAGE ON SCHEMA beside TO PUBLIC`,
      sql`GRANT SELECT ON beside.later TO PUBLIC`,
    ],
    found: ["row-security-off: beside.later", "unlisted-table: beside.later"],
  },
  {
    name: "a tenant table of the configuration that was never taken through its stage",
    statements: ({ role }) => [
      sql`CREATE TABLE public.later (secret text)`,
      sql`ALTER TABLE public.later ENABLE ROW LEVEL SECURITY`,
      sql`CREATE POLICY all_rows ON public.later USING (TRUE)`,
      sql`GRANT SELECT ON public.later TO ${ident(role)}`,
    ],
    named: (fence) => ({
      ...fence,
      tenantTables: [...fence.tenantTables, { schema: "public", name: "later" }],
    }),
    found: ["no-guard: public.later", "nullable-organization: public.later"],
  },
  {
    name: "a shared table of the configuration that was never taken through Day 3",
    statements: ({ role }) => [
      sql`CREATE TABLE public.later (code text)`,
      sql`GRANT SELECT, INSERT ON public.later TO ${ident(role)}`,
    ],
    named: (fence) => ({
      ...fence,
      sharedTables: [...fence.sharedTables, { schema: "public", name: "later" }],
    }),
    found: ["row-security-off: public.later", "shared-table-writable: public.later"],
  },
  {
    name: "a unique index on one partition only",
    statements: () => [
      sql`CREATE TABLE public.later (id bigint, code text, organization_id uuid NOT NULL) PARTITION BY RANGE (id)`,
      sql`CREATE TABLE public.later_all PARTITION OF public.later DEFAULT`,
      sql`CREATE UNIQUE INDEX only_there ON public.later_all (code)`,
    ],
    named: (fence) => ({
      ...fence,
      tenantTables: [...fence.tenantTables, { schema: "public", name: "later" }],
    }),
    found: ["unique-across: only_there on public.later_all"],
  },
  {
    name: "grants of the login itself",
    statements: ({ login }) => [
      sql`GRANT USAGE ON SCHEMA public TO ${ident(login)}`,
      sql`GRANT INSERT ON public.organization_users TO ${ident(login)}`,
    ],
    found: ["memberships-writable: public.organization_users"],
  },
];

async function findingsAfter(session: Session, fence: BrokenFence, one: Later): Promise<string[]> {
  return rolledBack(session, async (queries) => {
    for (const statement of one.statements(fence)) await queries.execute(statement);
    const found = await audit(queries, one.named?.(fence) ?? fence, rules);
    return found.map(({ id, object }) => `${id}: ${object}`);
  });
}

async function jobsAfter(session: Session, fence: BrokenFence, command: string): Promise<string[]> {
  return rolledBack(session, async (queries) => {
    await queries.execute(sql`CREATE SCHEMA cron`);
    await queries.execute(
      sql`CREATE TABLE cron.job (jobid bigint, jobname text, command text, username text, database text)`,
    );
    await queries.execute(
      sql`INSERT INTO cron.job VALUES (1, 'nightly <&> clean-up', ${command}, 'postgres', current_database()),
                                      (2, NULL, 'SELECT 2', 'postgres', current_database()),
                                      (3, 'of another database', 'SELECT 3', 'postgres', 'elsewhere')`,
    );
    const found = await audit(queries, fence, rules);
    return found.filter(({ id }) => id === "scheduled-job").map(({ object }) => object);
  });
}

test("what was made after the last stage is named, and each scheduled job by itself", {
  timeout: 300_000,
}, async () => {
  const company = smallCompanies.find(({ kind }) => kind === "plain");
  if (company === undefined) throw new Error("there is no plain company");
  await withFencedCompany({ url: inject("databaseUrl") }, company, async ({ session, fence }) => {
    for (const one of later) {
      const found = await findingsAfter(session, fence, one);
      expect([one.name, found]).toEqual([one.name, expect.arrayContaining([...one.found])]);
    }
    const jobs = await jobsAfter(session, fence, "DELETE FROM old");
    expect(jobs).toEqual([
      expect.stringMatching(/^the job nightly <&> clean-up \([0-9a-f]{8}\)$/),
      expect.stringMatching(/^the job number 2 \([0-9a-f]{8}\)$/),
    ]);
    const changed = await jobsAfter(session, fence, "DELETE FROM leads");
    expect(changed[0]).not.toBe(jobs[0]);
    expect(changed[1]).toBe(jobs[1]);
  });
});
