import { z } from "zod";
import type { Config } from "../src/config/schema.ts";
import type { Queries, Session } from "../src/postgres/connection.ts";
import { ident, raw, type Sql, sql } from "../src/postgres/sql.ts";
import type { Report } from "./report.ts";
import { type Bench, describeMachine, timeOf, withBench } from "./setup.ts";

const config: Config = {
  identity: { kind: "setting", setting: "app.user_id" },
  users: { table: "person", owners: "record.id = 1" },
  roles: { signedIn: "bench_app" },
  day1: { tables: { leads: "default" } },
  day2: { tables: {} },
  exemptTables: { person: "the users themselves" },
};

/** The plan's own policy, as people write it by hand. */
const plansPolicy = sql`
  CREATE POLICY plan
  ON leads
  FOR SELECT
  USING (organization_id IN (SELECT organization_id
                               FROM organization_users
                              WHERE user_id = nullif(current_setting('app.user_id', TRUE), '')::bigint))
`;

const member = 500;

type Question = {
  readonly name: string;
  /** As a member asks, who is fenced. */
  readonly fenced: Sql;
  /** As somebody asks who is not, and says which organization. */
  readonly free: (organization: Sql) => Sql;
};

const questions: readonly Question[] = [
  {
    name: "count",
    fenced: sql`SELECT count(*) FROM leads`,
    free: (mine) => sql`SELECT count(*) FROM leads WHERE organization_id = ${mine}`,
  },
  {
    name: "LIMIT 50",
    fenced: sql`SELECT * FROM leads LIMIT 50`,
    free: (mine) => sql`SELECT * FROM leads WHERE organization_id = ${mine} LIMIT 50`,
  },
  {
    name: "ORDER BY … LIMIT 50",
    fenced: sql`SELECT * FROM leads ORDER BY created_at DESC LIMIT 50`,
    free: (mine) =>
      sql`SELECT * FROM leads WHERE organization_id = ${mine} ORDER BY created_at DESC LIMIT 50`,
  },
  {
    name: "by key",
    fenced: sql`SELECT * FROM leads WHERE id = ${raw(String(member))}`,
    free: (mine) =>
      sql`SELECT * FROM leads WHERE organization_id = ${mine} AND id = ${raw(String(member))}`,
  },
];

/** What the fence costs a member: against no fence and an explicit filter, and the plan's policy. */
export function benchFence(rows: number): Promise<Report> {
  return withBench(async (bench) => {
    await makeLeads(bench, rows);
    const [organization] = await bench.session.rows(
      sql`SELECT organization_id::text AS id FROM organization_users WHERE user_id = ${member}`,
      z.object({ id: z.string() }),
    );
    const constant = raw(`'${organization?.id ?? ""}'`);
    const lines: (string | number)[][] = [];
    for (const ordered of [false, true]) {
      if (ordered) {
        await bench.session.execute(sql`CREATE INDEX ON leads (organization_id, created_at DESC)`);
        await bench.session.execute(sql`VACUUM ANALYZE leads`);
      }
      for (const { name, fenced, free } of questions) {
        const floor = await timeOf(bench.session, free(constant));
        const ours = await asMember(bench.session, (queries) => timeOf(queries, fenced));
        const said = await asMember(bench.session, (queries) => timeOf(queries, free(constant)));
        const plans = ordered ? undefined : await underThePlansPolicy(bench.session, fenced);
        lines.push([
          `${name}${ordered ? ", index (organization_id, created_at DESC)" : ""}`,
          floor.toFixed(2),
          (ours / floor).toFixed(2),
          (said / floor).toFixed(2),
          plans === undefined ? "" : (plans / floor).toFixed(1),
        ]);
      }
    }
    return {
      name: "fence",
      machine: await describeMachine(bench.session),
      about: `${rows.toLocaleString("en")} rows of 1,000 organizations; a member of one asks. Times are the server's, planning too: the middle of 101.`,
      head: [
        "question",
        "no fence, filtered: ms",
        "fence: ratio",
        "fence, and filtered",
        "the plan's policy: ratio",
      ],
      lines,
    };
  });
}

async function makeLeads({ session, tenantry }: Bench, rows: number): Promise<void> {
  for (const statement of [
    "CREATE ROLE bench_app",
    "CREATE TABLE person (id bigint PRIMARY KEY)",
    "INSERT INTO person SELECT generate_series(1, 1000)",
    `CREATE TABLE leads (
       id bigint PRIMARY KEY,
       person_id bigint NOT NULL,
       phone text NOT NULL,
       created_at timestamptz NOT NULL
     )`,
    `INSERT INTO leads
     SELECT n, 1 + n % 1000, repeat('5', 40) || n, now() - n * interval '1 minute'
       FROM generate_series(0, ${rows - 1}) AS n`,
    "CREATE INDEX ON leads (created_at DESC)",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON leads TO bench_app",
    "VACUUM ANALYZE",
  ]) {
    await session.execute(raw(statement));
  }
  for (const stage of ["day1"]) await tenantry(config, "run", "--yes", "--stage", stage);
  // A thousand organizations of one member each, as they would come over the years.
  for (const statement of [
    "SET session_replication_role = replica",
    "INSERT INTO organizations (id, name, slug) SELECT gen_random_uuid(), 'Customer ' || id, 'customer-' || id FROM person",
    `UPDATE organization_users AS membership
        SET organization_id = o.id
       FROM organizations AS o
      WHERE o.slug = 'customer-' || membership.user_id`,
    `UPDATE leads
        SET organization_id = o.id
       FROM organizations AS o
      WHERE o.slug = 'customer-' || leads.person_id`,
    "SET session_replication_role = origin",
    "VACUUM FULL leads",
    "VACUUM ANALYZE",
  ]) {
    await session.execute(raw(statement));
  }
}

class Undo extends Error {}

async function thenUndo<Result>(session: Session, work: (queries: Queries) => Promise<Result>) {
  const done: Result[] = [];
  await session
    .transaction(async (queries) => {
      done.push(await work(queries));
      throw new Undo();
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undo)) throw error;
    });
  const [result] = done;
  if (result === undefined) throw new Error("nothing was measured");
  return result;
}

function asMember<Result>(session: Session, work: (queries: Queries) => Promise<Result>) {
  return thenUndo(session, async (queries) => {
    await queries.execute(sql`SELECT set_config('app.user_id', ${String(member)}, TRUE)`);
    await queries.execute(sql`SET LOCAL ROLE bench_app`);
    return work(queries);
  });
}

function underThePlansPolicy(session: Session, question: Sql): Promise<number> {
  return thenUndo(session, async (queries) => {
    const policies = await queries.rows(
      sql`SELECT polname::text AS name FROM pg_policy WHERE polrelid IN ('leads'::regclass)`,
      z.object({ name: z.string() }),
    );
    for (const { name } of policies) {
      await queries.execute(sql`DROP POLICY ${ident(name)} ON leads`);
    }
    await queries.execute(sql`ALTER TABLE organization_users DISABLE ROW LEVEL SECURITY`);
    await queries.execute(sql`GRANT SELECT ON organization_users TO bench_app`);
    await queries.execute(plansPolicy);
    await queries.execute(sql`SELECT set_config('app.user_id', ${String(member)}, TRUE)`);
    await queries.execute(sql`SET LOCAL ROLE bench_app`);
    return timeOf(queries, question);
  });
}
