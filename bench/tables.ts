import { parseSettings } from "../src/config/load.ts";
import type { Config } from "../src/config/schema.ts";
import { demoConfig } from "../src/demo/config.ts";
import { makeDialler } from "../src/demo/dialler.ts";
import { startOldApplication as startDialler } from "../src/demo/old-application.ts";
import { formatDuration } from "../src/number-formats.ts";
import { openSession, type Session } from "../src/postgres/connection.ts";
import { ident, sql } from "../src/postgres/sql.ts";
import { startOldApplication } from "../src/rehearsal/old-application.ts";
import type { SteadyWriters } from "../src/writers/steady-writers.ts";
import { companyConfig, makeCompany } from "./many-tables.ts";
import { middleOf } from "./measure.ts";
import type { Cell, Report } from "./report.ts";
import { type Bench, describeMachine, urlOf, withBench } from "./setup.ts";
import { stepsLasted } from "./steps-lasted.ts";

const writesPerSecond = 100;
const rowsOfMedium = 20_000;

type Subject = {
  readonly name: string;
  readonly database: string;
  readonly days: readonly string[];
  make(session: Session): Promise<void>;
  config(online: Config["online"]): Config;
  write(url: string): Promise<SteadyWriters>;
};

type Measured = {
  /** From the first step's start to the last one's end, day by day. */
  readonly milliseconds: number;
  readonly longestWait: number;
  readonly p99: number;
  readonly failed: number;
};

function subjects(tables: number, rows: number): readonly Subject[] {
  return [
    {
      name: `${tables} tables`,
      database: "many_tables",
      days: ["day1"],
      make: (session) => makeCompany(session, tables, rowsOfMedium),
      config: (online) => companyConfig(tables, online),
      write: (url) =>
        startOldApplication({ url }, parseSettings(companyConfig(tables), "the bench"), {
          writesPerSecond,
        }),
    },
    {
      name: "the demo's twenty",
      database: "twenty_tables",
      days: ["day1", "day2"],
      make: async (session) => void (await makeDialler(session, { rows })),
      config: (online) => ({ ...demoConfig, hardening: {}, online }),
      write: (url) => startDialler(url, { writesPerSecond }),
    },
  ];
}

/** Tables side by side: how long their steps take, and whom they keep waiting, by how many at once. */
export function benchTables(
  tables: number,
  rows: number,
  atOnce: readonly number[],
  runs: number,
): Promise<Report> {
  return withBench(async (bench) => {
    const lines: Cell[][] = [];
    for (const subject of subjects(tables, rows)) {
      await bench.session.execute(sql`CREATE DATABASE ${ident(subject.database)}`);
      const source = await openSession({ url: urlOf(bench, subject.database) }, "bench");
      await subject.make(source);
      await source.close();
      const measured = new Map<number, Measured[]>(atOnce.map((count) => [count, []]));
      for (let run = 0; run < runs; run++) {
        for (const count of atOnce) measured.get(count)?.push(await measure(bench, subject, count));
      }
      for (const [count, all] of measured) {
        const middle = (pick: (one: Measured) => number) => middleOf(all.map(pick), formatDuration);
        lines.push([
          subject.name,
          String(count),
          middle(({ milliseconds }) => milliseconds),
          middle(({ longestWait }) => longestWait),
          middle(({ p99 }) => p99),
          String(Math.max(...all.map(({ failed }) => failed))),
        ]);
      }
    }
    return {
      name: "tables",
      command: `npm run bench -- tables --tables ${tables} --rows ${rows} --at-once ${atOnce.join(",")} --runs ${runs}`,
      machine: await describeMachine(bench.session),
      about: `the steps of ${tables} tables (every third of ${rowsOfMedium.toLocaleString("en")} rows, the others small) and of the demo's twenty with ${rows.toLocaleString("en")} leads and calls, ${writesPerSecond} writes a second meanwhile; medians of ${runs}, with the least and the most.`,
      head: ["", "at once", "steps", "longest wait", "p99", "failed writes"],
      lines,
      plots: [],
    };
  });
}

async function measure(bench: Bench, subject: Subject, tablesAtOnce: number): Promise<Measured> {
  const name = "copy_for_one";
  await bench.session.execute(
    sql`CREATE DATABASE ${ident(name)} TEMPLATE ${ident(subject.database)}`,
  );
  const url = urlOf(bench, name);
  const session = await openSession({ url }, "bench", { statement_timeout: "0" });
  try {
    await session.execute(sql`CHECKPOINT`);
    const application = await subject.write(url);
    for (const day of subject.days) {
      await bench.tenantry(subject.config({ tablesAtOnce }), ["run", "--yes", "--stage", day], url);
    }
    const writes = await application.stop();
    for (const failure of writes.failures) process.stderr.write(`${subject.name}: ${failure}\n`);
    return {
      milliseconds: (await stepsLasted(session)) ?? Number.NaN,
      longestWait: writes.longestWaitInMilliseconds,
      p99: writes.p99InMilliseconds,
      failed: writes.failed,
    };
  } finally {
    await session.close();
    await bench.session.execute(sql`DROP DATABASE ${ident(name)} WITH (FORCE)`);
  }
}
