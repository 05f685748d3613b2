import type { Config } from "../src/config/schema.ts";
import { makeDialler } from "../src/demo/dialler.ts";
import { formatBytes, formatDuration } from "../src/number-formats.ts";
import { openSession, type Session } from "../src/postgres/connection.ts";
import { ident, sql } from "../src/postgres/sql.ts";
import { constant, floor, mapped } from "./contenders.ts";
import { companyConfig, makeCompany } from "./many-tables.ts";
import type { Cell, Report } from "./report.ts";
import { type Bench, describeMachine, urlOf, withBench } from "./setup.ts";
import { stepsLasted } from "./steps-lasted.ts";

const rowsOfMedium = 5_000;

type Point = {
  readonly name: string;
  /** How many rows, or tables. */
  readonly size: number;
  readonly steps: number;
  readonly whole: number;
  readonly peak: number | undefined;
};

type Days = { readonly config: Config; readonly days: readonly string[] };

/** The same with ten times the rows, and with ten times the tables: nobody writes meanwhile. */
export function benchGrowth(rows: readonly number[], tables: readonly number[]): Promise<Report> {
  return withBench(async (bench) => {
    const byRows: Point[] = [];
    for (const size of rows) {
      const make = async (session: Session) => void (await makeDialler(session, { rows: size }));
      const days = ["day1", "day2", "day3"];
      byRows.push(
        await onFresh(bench, make, "the floor", size, undefined),
        await onFresh(bench, make, "one organization", size, { config: constant, days }),
        await onFresh(bench, make, "mapped", size, { config: mapped, days }),
      );
    }
    const byTables: Point[] = [];
    for (const size of tables) {
      const make = (session: Session) => makeCompany(session, size, rowsOfMedium);
      const day = { config: companyConfig(size), days: ["day1"] };
      byTables.push(await onFresh(bench, make, "many tables", size, day));
    }
    return {
      name: "growth",
      command: `npm run bench -- growth --rows ${rows.join(",")} --tables ${tables.join(",")}`,
      machine: await describeMachine(bench.session),
      about: `the demo's twenty tables by their leads and calls, and tables of which every third has ${rowsOfMedium.toLocaleString("en")} rows and the others few; one run each, nobody writes meanwhile.`,
      head: ["", "rows, or tables", "steps", "with backups and proofs", "memory"],
      lines: [...byRows, ...byTables].map(({ name, size, steps, whole, peak }): Cell[] => [
        name,
        { value: size, text: size.toLocaleString("en") },
        { value: steps, text: formatDuration(steps) },
        { value: whole, text: formatDuration(whole) },
        peak === undefined ? "" : { value: peak, text: formatBytes(peak) },
      ]),
      plots: [
        {
          file: "growth-rows.svg",
          title: "The steps by rows",
          unit: "s",
          along: "rows",
          lines: linesOf(byRows),
        },
        {
          file: "growth-tables.svg",
          title: "The steps by tables",
          unit: "s",
          along: "tables",
          lines: linesOf(byTables),
        },
      ],
    };
  });
}

function linesOf(points: readonly Point[]) {
  const names = [...new Set(points.map(({ name }) => name))];
  return names.map((name) => ({
    name,
    points: points
      .filter((point) => point.name === name)
      .map(({ size, steps }): [number, number] => [size, steps / 1000]),
  }));
}

async function onFresh(
  bench: Bench,
  make: (session: Session) => Promise<void>,
  name: string,
  size: number,
  stages: Days | undefined,
): Promise<Point> {
  const database = ident("grown");
  await bench.session.execute(sql`CREATE DATABASE ${database}`);
  const url = urlOf(bench, "grown");
  const session = await openSession({ url }, "bench", { statement_timeout: "0" });
  try {
    await make(session);
    await session.execute(sql`CHECKPOINT`);
    const started = performance.now();
    let peak: number | undefined;
    if (stages === undefined) await floor.run(bench, session, url);
    for (const day of stages?.days ?? []) {
      const ran = await bench.tenantry(
        stages?.config ?? constant,
        ["run", "--yes", "--stage", day],
        url,
      );
      peak = Math.max(peak ?? 0, ran.peakBytes ?? 0);
    }
    const whole = performance.now() - started;
    return { name, size, steps: (await stepsLasted(session)) ?? whole, whole, peak };
  } finally {
    await session.close();
    await bench.session.execute(sql`DROP DATABASE ${database} WITH (FORCE)`);
  }
}
