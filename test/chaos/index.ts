import { Command } from "commander";
import { z } from "zod";
import buildProgram from "../setup/build.ts";
import { canMount } from "./command.ts";
import { mutants } from "./mutants/mutants.ts";
import { patchedBuild, quickLease } from "./mutants/patch.ts";
import { tryMutant } from "./mutants/try-mutant.ts";
import { describe, summarize } from "./report.ts";
import { everyKill, firstRandomSeed, randomTrial } from "./space.ts";
import { type Builds, runTrial, shipped, type Trial, type TrialResult } from "./trial.ts";
import { World } from "./world.ts";

const optionsSchema = z.object({
  seed: z.coerce.number().int().nonnegative().optional(),
  faults: z.coerce.number().int().positive().optional(),
  only: z.string().optional(),
  mutants: z.boolean().default(false),
});

const say = (text: string): boolean => process.stdout.write(`${text}\n`);

const program = new Command("chaos")
  .description("disturbs Tenantry's commands on a server of its own, and compares what is left")
  .option("--seed <number>", "the first fault's; alone: this one fault again")
  .option("--faults <count>", "how many; by default 300, or one with --seed")
  .option("--only <words>", "only commands or mutants with these words in their name")
  .option("--mutants", "break the engine, one place at a time: each must be noticed")
  .parse();
const options = optionsSchema.parse(program.opts());

await buildProgram();
const world = await World.start();
try {
  const failed = options.mutants ? await runMutants() : await runFaults();
  process.exitCode = failed ? 1 : 0;
} finally {
  await world.stop();
}

async function runFaults(): Promise<boolean> {
  const builds = shipped(await patchedBuild("quick lease", quickLease));
  const mounts = await canMount();
  if (!mounts) say("skipped: full disks, because this machine gives a process no disk of its own");
  const results: TrialResult[] = [];
  for (const seed of await seeds()) {
    const trial = await trialOf(seed);
    if (trial === undefined || (trial.fault === "fill the disk" && !mounts)) continue;
    if (!trial.scenario.includes(options.only ?? "")) continue;
    const result = await runTrial(world, trial, builds);
    results.push(result);
    say(describe(result));
  }
  say(summarize(results));
  return results.some(({ problems }) => problems.length > 0);
}

/** Kills at boundaries, evenly over all of them, and as many random faults. */
async function seeds(): Promise<readonly number[]> {
  const { seed, faults = seed === undefined ? 300 : 1 } = options;
  if (seed !== undefined) return Array.from({ length: faults }, (_, index) => seed + index);
  const all = (await everyKill(world)).length;
  const killed = Math.min(all, Math.floor(faults / 2));
  say(`${killed} of ${all} kills at boundaries, and ${faults - killed} random faults`);
  return [
    ...Array.from({ length: killed }, (_, index) => Math.floor((index * all) / killed)),
    ...Array.from({ length: faults - killed }, (_, index) => firstRandomSeed + index),
  ];
}

async function trialOf(seed: number): Promise<Trial | undefined> {
  if (seed >= firstRandomSeed) return randomTrial(world, seed);
  return (await everyKill(world))[seed];
}

async function runMutants(): Promise<boolean> {
  const survived: string[] = [];
  const tried = mutants.filter(({ name }) => name.includes(options.only ?? ""));
  for (const mutant of tried) {
    const folder = await patchedBuild(mutant.name, mutant.edits);
    const quick = await patchedBuild(`${mutant.name} quick`, [...mutant.edits, ...quickLease]);
    const builds: Builds = { folder, quick };
    const caught = await tryMutant(world, mutant, builds);
    say(`${caught === undefined ? "SURVIVED" : "caught"}: ${mutant.name}`);
    if (caught === undefined) survived.push(mutant.name);
    else say(`  ${caught}`);
  }
  say(`${tried.length - survived.length} of ${tried.length} mutants of the engine are caught`);
  return survived.length > 0;
}
