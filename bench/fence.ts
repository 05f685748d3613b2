import { z } from "zod";
import type { Config } from "../src/config/schema.ts";
import { openSession, type Queries, type Session } from "../src/postgres/connection.ts";
import { ident, raw, type Sql, sql } from "../src/postgres/sql.ts";
import type { Cell, Report } from "./report.ts";
import { type Bench, describeMachine, median, withBench } from "./setup.ts";

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
    fenced: sql`SELECT * FROM leads WHERE id = ${raw(String(member - 1))}`,
    free: (mine) =>
      sql`SELECT * FROM leads WHERE organization_id = ${mine} AND id = ${raw(String(member - 1))}`,
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
    const lines: Cell[][] = [];
    const bars: { name: string; value: number }[] = [];
    for (const ordered of [false, true]) {
      if (ordered) {
        await bench.session.execute(sql`CREATE INDEX ON leads (organization_id, created_at DESC)`);
        await bench.session.execute(sql`VACUUM ANALYZE leads`);
      }
      for (const question of questions) {
        const name = `${question.name}${ordered ? ", with its index" : ""}`;
        for (const how of ["prepared", "parsed each time"] as const) {
          const ways = await timesOf(bench, question, constant, how, ordered ? [] : ["the plan's"]);
          const free = ways.get("free") ?? Number.NaN;
          const ratio = (way: Way): Cell => {
            const value = (ways.get(way) ?? Number.NaN) / free;
            return Number.isNaN(value) ? "" : { value, text: value.toFixed(2) };
          };
          lines.push([
            `${name}, ${how}`,
            { value: free, text: `${free.toFixed(3)} ms` },
            ratio("fenced"),
            ratio("fenced and named"),
            ratio("the plan's"),
          ]);
          if (how === "prepared") {
            const value = (ways.get("fenced and named") ?? Number.NaN) / free;
            bars.push({ name: `${name}, organization named`, value });
            if (!ordered)
              bars.push({
                name: `${name}, the plan's policy`,
                value: (ways.get("the plan's") ?? 0) / free,
              });
          }
        }
      }
    }
    return {
      name: "fence",
      command: `npm run bench -- fence --rows ${rows}`,
      machine: await describeMachine(bench.session),
      about: `${rows.toLocaleString("en")} rows of 1,000 organizations; a member of one asks, over a local connection; the middle of ${samples} of each, by turns. "With its index" is after an index on (organization_id, created_at DESC) was made.`,
      head: [
        "question",
        "no fence, filtered",
        "the fence",
        "the fence, organization named",
        "the plan's policy",
      ],
      lines,
      plots: [
        {
          file: "fence.svg",
          title: "A question under the fence, times the one without",
          unit: "times",
          bars,
        },
      ],
    };
  });
}

type Way = "free" | "fenced" | "fenced and named" | "the plan's";

const samples = 301;

/** What a question takes in each way, asked by turns, so that nobody has a quieter machine. */
async function timesOf(
  bench: Bench,
  question: Question,
  organization: Sql,
  how: "prepared" | "parsed each time",
  further: readonly Way[],
): Promise<ReadonlyMap<Way, number>> {
  const named = question.free(organization);
  const [free, fenced] = [
    await openSession({ url: bench.url }),
    await openSession({ url: bench.url }),
  ];
  await fenced.execute(sql`SELECT set_config('app.user_id', ${String(member)}, FALSE)`);
  await fenced.execute(sql`SET ROLE bench_app`);
  const ways: readonly (readonly [Way, Session, Sql])[] = [
    ["free", free, named],
    ["fenced", fenced, question.fenced],
    ["fenced and named", fenced, named],
  ];
  const taken = new Map<Way, number[]>();
  try {
    const asked: { way: Way; session: Session; statement: Sql }[] = [];
    for (const [index, [way, session, statement]] of ways.entries()) {
      const name = raw(`question_${index}`);
      if (how === "prepared") await session.execute(sql`PREPARE ${name} AS ${statement}`);
      asked.push({
        way,
        session,
        statement: how === "prepared" ? sql`EXECUTE ${name}` : statement,
      });
    }
    for (let sample = 0; sample < samples; sample++) {
      for (const { way, session, statement } of asked) {
        const started = performance.now();
        await session.execute(statement);
        taken.set(way, [...(taken.get(way) ?? []), performance.now() - started]);
      }
    }
  } finally {
    await Promise.all([free.close(), fenced.close()]);
  }
  const times = new Map([...taken].map(([way, all]) => [way, median(all)] as const));
  if (further.includes("the plan's")) {
    times.set("the plan's", await underThePlansPolicy(bench.session, question.fenced));
  }
  return times;
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
  await tenantry(config, ["run", "--yes", "--stage", "day1"]);
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
    const taken: number[] = [];
    // It is two orders slower: fewer tell as much.
    for (let sample = 0; sample < 15; sample++) {
      const started = performance.now();
      await queries.execute(question);
      taken.push(performance.now() - started);
    }
    return median(taken);
  });
}
