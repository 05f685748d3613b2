import { Command } from "commander";
import { z } from "zod";
import { benchBackfill } from "./backfill.ts";
import { benchCode } from "./code.ts";
import { benchFence } from "./fence.ts";
import { benchGrowth } from "./growth.ts";
import { benchPlan } from "./plan.ts";
import { benchProof } from "./proof.ts";
import { say, writePage } from "./report.ts";
import { benchStages } from "./stages.ts";
import { benchTables } from "./tables.ts";
import { benchTimeLeft } from "./time-left.ts";

const count = z.coerce.number().int().positive();
const counts = z.string().transform((text) => z.array(count).parse(text.split(",")));

const bench = new Command("bench").description("measures Tenantry on a server of its own");

bench
  .command("fence")
  .description("what the policies cost a member")
  .option("--rows <count>", "of the table", "1000000")
  .action(async ({ rows }) => say(await benchFence(count.parse(rows))));

bench
  .command("proof")
  .description("what the isolation proof costs, and whom it keeps waiting")
  .option("--tables <count>", "under the fence", "134")
  .option("--rows <counts>", "of each table, one run each", "1000,10000")
  .action(async ({ tables, rows }) =>
    say(await benchProof(count.parse(tables), counts.parse(rows))),
  );

bench
  .command("plan")
  .description("what planning takes, in time and memory")
  .option("--tables <counts>", "in the plan, one run each", "20,134,1000")
  .option("--rows <counts>", "of every third table, one run each", "1000,20000")
  .option("--runs <count>", "of each, of which the middle counts", "3")
  .action(async ({ tables, rows, runs }) =>
    say(await benchPlan(counts.parse(tables), counts.parse(rows), count.parse(runs))),
  );

bench
  .command("tables")
  .description("tables side by side: how long they take, and whom that keeps waiting")
  .option("--tables <count>", "small and medium ones", "134")
  .option("--rows <count>", "of the demo's twenty: leads and calls together", "2000000")
  .option("--at-once <counts>", "how many side by side, one run each", "1,2,4")
  .option("--runs <count>", "of each, of which the middle counts", "3")
  .action(async ({ tables, rows, atOnce, runs }) =>
    say(
      await benchTables(
        count.parse(tables),
        count.parse(rows),
        counts.parse(atOnce),
        count.parse(runs),
      ),
    ),
  );

bench
  .command("backfill")
  .description("how fast rows find their organization, against one UPDATE and a published backfill")
  .option("--rows <count>", "leads and calls together", "1000000")
  .option("--runs <count>", "of each, of which the middle counts", "3")
  .action(async ({ rows, runs }) => say(await benchBackfill(count.parse(rows), count.parse(runs))));

bench
  .command("code")
  .description("what reading and rewriting an application's code costs")
  .option("--files <count>", "of the application", "350")
  .option("--runs <count>", "of each, of which the middle counts", "3")
  .action(async ({ files, runs }) => say(await benchCode(count.parse(files), count.parse(runs))));

bench
  .command("growth")
  .description("ten times the rows, and ten times the tables")
  .option("--rows <counts>", "leads and calls together, one run each", "200000,2000000")
  .option("--tables <counts>", "of a company of many, one run each", "100,1000")
  .action(async ({ rows, tables }) =>
    say(await benchGrowth(counts.parse(rows), counts.parse(tables))),
  );

bench
  .command("time-left")
  .description("how right the time left is that a run tells")
  .option("--rows <count>", "leads and calls together", "2000000")
  .action(async ({ rows }) => say(await benchTimeLeft(count.parse(rows))));

bench
  .command("page")
  .description("writes docs/performance.md from what was measured last")
  .action(writePage);

bench
  .command("stages")
  .description("the three days, against the plan's own SQL, a published backfill, and the floor")
  .option("--leads <count>", "rows of leads", "1000000")
  .option("--calls <count>", "rows of call_logs", "3000000")
  .option("--messages <count>", "rows of sms_messages", "1000000")
  .option("--runs <count>", "of each, of which the middle counts", "3")
  .option("--only <name>", "contenders whose names begin so")
  .action(async ({ leads, calls, messages, runs, only }) => {
    const size = {
      leads: count.parse(leads),
      callLogs: count.parse(calls),
      messages: count.parse(messages),
    };
    await say(await benchStages(size, count.parse(runs), z.string().default("").parse(only)));
  });

await bench.parseAsync();
