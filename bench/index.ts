import { Command } from "commander";
import { z } from "zod";
import { benchFence } from "./fence.ts";
import { say } from "./report.ts";

const count = z.coerce.number().int().positive();

const bench = new Command("bench").description("measures Tenantry on a server of its own");

bench
  .command("fence")
  .description("what the policies cost a member")
  .option("--rows <count>", "of the table", "1000000")
  .action(async ({ rows }) => say(await benchFence(count.parse(rows))));

await bench.parseAsync();
