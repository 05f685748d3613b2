import { z } from "zod";
import { readSnapshot } from "../src/catalog/snapshot.ts";
import { parseSettings } from "../src/config/load.ts";
import type { Config } from "../src/config/schema.ts";
import { demoConfig } from "../src/demo/config.ts";
import { makeDialler } from "../src/demo/dialler.ts";
import { startOldApplication } from "../src/demo/old-application.ts";
import { formatBytes, formatDuration } from "../src/number-formats.ts";
import { planStages } from "../src/plan/plan.ts";
import { openSession, type Session } from "../src/postgres/connection.ts";
import { ident, raw, sql } from "../src/postgres/sql.ts";
import { stages } from "../stages/index.ts";
import * as planned from "../test/mistakes/the-plan.ts";
import { middleOf } from "./measure.ts";
import type { Report } from "./report.ts";
import { type Bench, describeMachine, median, urlOf, withBench } from "./setup.ts";

const writesPerSecond = 100;

/** Only the leads: each belongs to the organization of its user. */
const config: Config = {
  ...demoConfig,
  day1: { tables: { leads: { user: "user_id" } } },
  day2: { tables: {} },
  hardening: {},
  unlistedTables: "warn",
  online: { smallTableInBytes: 0 },
};

type Filled = {
  readonly rows: number;
  readonly milliseconds: number;
  /** Bytes of write-ahead log; the writers' own are in it. Undefined where more than this was done. */
  readonly wal: number | undefined;
};

type Measured = Filled & { readonly longestWait: number };

type Way = {
  readonly name: string;
  fill(bench: Bench, session: Session, url: string): Promise<Filled>;
};

/** What every hand-written way begins with; the index comes after it, as in Tenantry's order. */
const prepared = [
  planned.hour1WithoutRecursion,
  planned.createDefaultOrganization,
  `INSERT INTO organizations (name, slug) VALUES ('Alpha', 'alpha'), ('Beta', 'beta')`,
  `INSERT INTO organization_users (organization_id, user_id)
   SELECT (SELECT id FROM organizations ORDER BY slug OFFSET abs(hashtext(u.id::text)) % 3 LIMIT 1), u.id
     FROM auth.users u`,
  "ALTER TABLE leads ADD COLUMN organization_id uuid",
];

const mapping = "SELECT m.organization_id FROM organization_users m WHERE m.user_id = ";

const ways: readonly Way[] = [
  {
    name: "one plain UPDATE",
    fill: (_, session) =>
      byHand(session, [
        `UPDATE leads SET organization_id = m.organization_id
           FROM organization_users m
          WHERE m.user_id = leads.user_id`,
      ]),
  },
  {
    name: "batches of 1,000 by key, as pgroll publishes them",
    fill: (_, session) =>
      byHand(session, [
        `CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN NEW.organization_id := (${mapping} NEW.user_id); RETURN NEW; END'`,
        "CREATE TRIGGER fill BEFORE INSERT OR UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION fill()",
        `DO $$
         DECLARE
           last uuid := '00000000-0000-0000-0000-000000000000';
         BEGIN
           LOOP
             WITH batch AS (
               SELECT id FROM leads WHERE id > last ORDER BY id LIMIT 1000 FOR NO KEY UPDATE
             ), updated AS (
               UPDATE leads SET id = leads.id FROM batch WHERE leads.id = batch.id RETURNING leads.id
             )
             SELECT (array_agg(id ORDER BY id DESC))[1] INTO last FROM updated;
             EXIT WHEN last IS NULL;
             COMMIT;
           END LOOP;
         END $$`,
      ]),
  },
  {
    name: "Tenantry",
    async fill({ tenantry }, session, url) {
      await tenantry(config, ["run", "--yes", "--stage", "day1"], url);
      const [step] = await session.rows(
        sql`
          SELECT rows_written AS rows,
                 milliseconds
            FROM tenantry.step
           WHERE id = 'day1/leads/backfill'
        `,
        z.object({ rows: z.coerce.number(), milliseconds: z.coerce.number() }),
      );
      if (step === undefined) throw new Error("the journal has no backfill");
      return { ...step, wal: undefined };
    },
  },
  {
    name: "all to one organization: the plan's UPDATE",
    fill: (_, session) => byHand(session, [planned.backfill("leads")]),
  },
  { name: "all to one organization: Tenantry", fill: (_, session) => byDefault(session) },
];

/** The statements of Tenantry's own step for a table that is all the default organization's. */
async function byDefault(session: Session): Promise<Filled> {
  const constant: Config = { ...config, day1: { tables: { leads: "default" } } };
  const settings = parseSettings(constant, "the bench's configuration");
  const { stages: plan } = planStages(settings, await readSnapshot(session), stages, {
    origin: "day1",
  });
  for (const step of plan.flatMap(({ steps }) => steps)) {
    if (step.mode !== "transaction") continue;
    const run = () =>
      session.transaction(async (queries) => {
        for (const statement of step.up) await queries.execute(statement);
      });
    if (step.id === "day1/leads/column") return measured(session, run);
    await run();
  }
  throw new Error("the plan has no column for the leads");
}

async function byHand(session: Session, statements: readonly string[]) {
  for (const statement of prepared) await session.execute(raw(statement));
  return measured(session, async () => {
    for (const statement of statements) await session.execute(raw(statement));
  });
}

async function measured(session: Session, work: () => Promise<void>): Promise<Filled> {
  const before = await walOf(session);
  const started = performance.now();
  await work();
  const milliseconds = performance.now() - started;
  const wal = (await walOf(session)) - before;
  const [leads] = await session.rows(
    sql`SELECT count(organization_id) AS rows FROM leads`,
    z.object({ rows: z.coerce.number() }),
  );
  return { rows: leads?.rows ?? 0, milliseconds, wal };
}

async function walOf(session: Session): Promise<number> {
  const [log] = await session.rows(
    sql`SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bytes`,
    z.object({ bytes: z.coerce.number() }),
  );
  return log?.bytes ?? 0;
}

/** How fast rows find their organization, and whom that keeps waiting: one table, looked up by user. */
export function benchBackfill(rows: number, runs: number): Promise<Report> {
  return withBench(async (bench) => {
    await bench.session.execute(sql`CREATE DATABASE template_of_all`);
    const source = await openSession({ url: urlOf(bench, "template_of_all") }, "bench");
    await makeDialler(source, { rows });
    await source.close();
    const measured = new Map<string, Measured[]>(ways.map(({ name }) => [name, []]));
    for (let run = 0; run < runs; run++) {
      for (const way of ways) measured.get(way.name)?.push(await measure(bench, way));
    }
    const rate = ({ rows: filled, milliseconds }: Measured) => (filled / milliseconds) * 1000;
    const rates = [...measured].map(([name, all]) => ({ name, value: median(all.map(rate)) }));
    const count = median([...measured.values()].flat().map((one) => one.rows));
    return {
      name: "backfill",
      command: `npm run bench -- backfill --rows ${rows} --runs ${runs}`,
      machine: await describeMachine(bench.session),
      about: `${count.toLocaleString("en")} leads, each of its user's organization, or all of one, ${writesPerSecond} writes a second meanwhile; medians of ${runs}, with the least and the most.`,
      head: ["", "rows a second", "of the plain UPDATE", "time", "longest wait", "WAL"],
      lines: [...measured].map(([name, all]) => {
        const share = median(all.map(rate)) / (rates[0]?.value ?? Number.NaN);
        return [
          name,
          middleOf(all.map(rate), (value) => Math.round(value).toLocaleString("en")),
          { value: share, text: share.toFixed(2) },
          middleOf(
            all.map(({ milliseconds }) => milliseconds),
            formatDuration,
          ),
          middleOf(
            all.map(({ longestWait }) => longestWait),
            formatDuration,
          ),
          middleOf(
            all.map(({ wal }) => wal),
            formatBytes,
          ),
        ];
      }),
      plots: [
        {
          file: "backfill.svg",
          title: "Rows that find their organization",
          unit: "rows/s",
          bars: rates,
        },
      ],
    };
  });
}

async function measure(bench: Bench, way: Way): Promise<Measured> {
  const name = "copy_for_one";
  await bench.session.execute(sql`CREATE DATABASE ${ident(name)} TEMPLATE template_of_all`);
  const url = urlOf(bench, name);
  const session = await openSession({ url }, "bench", { statement_timeout: "0" });
  try {
    await session.execute(sql`CHECKPOINT`);
    const application = await startOldApplication(url, { writesPerSecond });
    const filled = await way.fill(bench, session, url);
    const writes = await application.stop();
    return { ...filled, longestWait: writes.longestWaitInMilliseconds };
  } finally {
    await session.close();
    await bench.session.execute(sql`DROP DATABASE ${ident(name)} WITH (FORCE)`);
  }
}
