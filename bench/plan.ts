import { formatBytes, formatDuration } from "../src/number-formats.ts";
import { openSession } from "../src/postgres/connection.ts";
import { ident, sql } from "../src/postgres/sql.ts";
import { companyConfig, makeCompany } from "./many-tables.ts";
import { middleOf } from "./measure.ts";
import type { Cell, Report } from "./report.ts";
import { describeMachine, type Ran, urlOf, withBench } from "./setup.ts";

/** What `tenantry plan` takes, by how many tables there are and how many rows they have. */
export function benchPlan(
  tables: readonly number[],
  rows: readonly number[],
  runs: number,
): Promise<Report> {
  return withBench(async (bench) => {
    const lines: Cell[][] = [];
    for (const count of tables) {
      for (const each of rows) {
        const name = `plan_${count}_${each}`;
        await bench.session.execute(sql`CREATE DATABASE ${ident(name)}`);
        const url = urlOf(bench, name);
        const session = await openSession({ url }, "bench");
        await makeCompany(session, count, each);
        await session.close();
        const ran: Ran[] = [];
        for (let run = 0; run < runs; run++) {
          ran.push(await bench.tenantry(companyConfig(count), ["plan"], url));
        }
        await bench.session.execute(sql`DROP DATABASE ${ident(name)}`);
        lines.push([
          count.toLocaleString("en"),
          each.toLocaleString("en"),
          middleOf(
            ran.map(({ milliseconds }) => milliseconds),
            formatDuration,
          ),
          middleOf(
            ran.map(({ peakBytes }) => peakBytes),
            formatBytes,
          ),
        ]);
      }
    }
    return {
      name: "plan",
      command: `npm run bench -- plan --tables ${tables.join(",")} --rows ${rows.join(",")} --runs ${runs}`,
      machine: await describeMachine(bench.session),
      about: `tenantry plan from its start to its end, by tables and by rows of every third one; medians of ${runs}, with the least and the most.`,
      head: ["tables", "rows", "time", "memory"],
      lines,
      plots: [],
    };
  });
}
