import { z } from "zod";
import { makeDialler } from "../src/demo/dialler.ts";
import type { DiallerSize } from "../src/demo/dialler-rows.ts";
import { startOldApplication } from "../src/demo/old-application.ts";
import { formatBytes, formatDuration } from "../src/number-formats.ts";
import { openSession, type Session } from "../src/postgres/connection.ts";
import { ident, sql } from "../src/postgres/sql.ts";
import { type Contender, contenders } from "./contenders.ts";
import { middleOf } from "./measure.ts";
import type { Cell, Report } from "./report.ts";
import { type Bench, describeMachine, median, urlOf, withBench } from "./setup.ts";
import { stepsLasted } from "./steps-lasted.ts";

const writesPerSecond = 100;

type Measured = {
  readonly milliseconds: number;
  /** The work on the tables, without backups and proofs. */
  readonly steps: number;
  /** How long somebody waited for a write, or could not make it. */
  readonly longestWait: number;
  readonly outage: number;
  readonly p50: number;
  readonly p99: number;
  readonly writes: number;
  readonly failed: number;
  readonly grown: number;
  readonly wal: number;
  readonly dead: number;
  readonly peak: number | undefined;
};

/** The three days by each contender, on a fresh copy each time, with an application writing. */
export function benchStages(size: DiallerSize, runs: number, only: string): Promise<Report> {
  return withBench(async (bench) => {
    await bench.session.execute(sql`CREATE DATABASE template_of_all`);
    const source = await openSession({ url: urlOf(bench, "template_of_all") }, "bench");
    await makeDialler(source, size);
    await source.close();
    const measured: { readonly contender: Contender; readonly all: readonly Measured[] }[] = [];
    for (const contender of contenders.filter(({ name }) => name.startsWith(only))) {
      const all: Measured[] = [];
      for (let run = 0; run < runs; run++) all.push(await measure(bench, contender));
      measured.push({ contender, all });
    }
    const machine = await describeMachine(bench.session);
    const about = `twenty tables, ${size.leads.toLocaleString("en")} leads, ${size.callLogs.toLocaleString("en")} calls and ${size.messages.toLocaleString("en")} messages, ${writesPerSecond} writes a second meanwhile; medians of ${runs}`;
    const command = `npm run bench -- stages --leads ${size.leads} --calls ${size.callLogs} --messages ${size.messages} --runs ${runs}`;
    return report(measured, machine, about, command);
  });
}

function report(
  measured: readonly { contender: Contender; all: readonly Measured[] }[],
  machine: string,
  about: string,
  command: string,
): Report {
  const lines = measured.map(({ contender, all }): Cell[] => {
    const middle = (
      pick: (one: Measured) => number | undefined,
      format: (value: number) => string,
    ) => middleOf(all.map(pick), format);
    const writes = median(all.map((one) => one.writes));
    return [
      contender.name,
      middle(({ milliseconds }) => milliseconds, formatDuration),
      middle(({ steps }) => steps, formatDuration),
      middle(({ p50 }) => p50, formatDuration),
      middle(({ p99 }) => p99, formatDuration),
      middle(({ longestWait }) => longestWait, formatDuration),
      middle(({ outage }) => outage, formatDuration),
      `${Math.max(...all.map(({ failed }) => failed))} of ${writes}`,
      middle(({ grown }) => grown, formatBytes),
      middle(({ wal }) => wal, formatBytes),
      middle(
        ({ dead }) => dead,
        (value) => value.toLocaleString("en"),
      ),
      middle(({ peak }) => peak, formatBytes),
    ];
  });
  const bars = (pick: (one: Measured) => number | undefined) =>
    measured.flatMap(({ contender: { name }, all }) => {
      const values = all.map(pick).filter((value) => value !== undefined);
      return values.length === 0 ? [] : [{ name, value: median(values) }];
    });
  const notes = measured.map(({ contender }) => `${contender.name}: ${contender.about}`).join("; ");
  return {
    name: "stages",
    command,
    machine,
    about: `${about}. ${notes}.`,
    head: [
      "",
      "total",
      "its steps",
      "p50",
      "p99",
      "longest wait",
      "longest outage",
      "failed writes",
      "growth",
      "WAL",
      "dead rows",
      "memory",
    ],
    lines,
    plots: [
      {
        file: "total.svg",
        title: "The three days: the work itself",
        unit: "s",
        bars: bars(({ steps }) => steps / 1000),
      },
      {
        file: "longest-wait.svg",
        title: "The longest that the application waited for a write, or could not make it",
        unit: "ms",
        bars: bars(({ longestWait, outage }) => Math.max(longestWait, outage)),
      },
      {
        file: "wal.svg",
        title: "Write-ahead log",
        unit: "MB",
        bars: bars(({ wal }) => wal / 1024 / 1024),
      },
    ],
  };
}

async function measure(bench: Bench, contender: Contender): Promise<Measured> {
  const name = "copy_for_one";
  await bench.session.execute(sql`CREATE DATABASE ${ident(name)} TEMPLATE template_of_all`);
  const url = urlOf(bench, name);
  const session = await openSession({ url }, "bench", { statement_timeout: "0" });
  try {
    await session.execute(sql`CHECKPOINT`);
    const before = await readFacts(session);
    const application = await startOldApplication(url, { writesPerSecond });
    const started = performance.now();
    const ran = await contender.run(bench, session, url);
    const first = ran.milliseconds ?? performance.now() - started;
    const writes = await application.stop();
    const finished = await contender.finish?.(bench, url);
    const milliseconds = first + (finished?.milliseconds ?? 0);
    const backups = ran.backupsInMilliseconds ?? 0;
    const after = await readFacts(session);
    for (const failure of writes.failures) process.stderr.write(`${contender.name}: ${failure}\n`);
    await sayLongest(session);
    return {
      milliseconds,
      steps: (await stepsLasted(session)) ?? first - backups,
      longestWait: writes.longestWaitInMilliseconds,
      outage: writes.longestOutageInMilliseconds,
      p50: writes.medianInMilliseconds,
      p99: writes.p99InMilliseconds,
      writes: writes.writes,
      failed: writes.failed,
      grown: after.bytes - before.bytes,
      wal: after.wal - before.wal,
      dead: after.dead,
      peak: ran.peakBytes,
    };
  } finally {
    await session.close();
    await bench.session.execute(sql`DROP DATABASE ${ident(name)} WITH (FORCE)`);
  }
}

async function readFacts(session: Session) {
  const [facts] = await session.rows(
    sql`
      SELECT pg_database_size(current_database()) AS bytes,
             pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS wal,
             (SELECT sum(n_dead_tup) FROM pg_stat_user_tables) AS dead
    `,
    z.object({ bytes: z.coerce.number(), wal: z.coerce.number(), dead: z.coerce.number() }),
  );
  if (facts === undefined) throw new Error("the server said nothing of itself");
  return facts;
}

/** Where the time went, for whoever looks on. */
async function sayLongest(session: Session): Promise<void> {
  if ((await stepsLasted(session)) === undefined) return;
  const longest = await session.rows(
    sql`
      SELECT id, milliseconds
        FROM tenantry.step
       ORDER BY milliseconds DESC NULLS LAST
       LIMIT 6
    `,
    z.object({ id: z.string(), milliseconds: z.coerce.number() }),
  );
  for (const { id, milliseconds } of longest) {
    process.stderr.write(`  ${id}: ${formatDuration(milliseconds)}\n`);
  }
}
