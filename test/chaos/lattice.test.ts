import { afterAll, beforeAll, expect, test } from "vitest";
import type { FaultKind } from "./faults.ts";
import { mutants } from "./mutants/mutants.ts";
import { patchedBuild, quickLease } from "./mutants/patch.ts";
import { nameOf } from "./report.ts";
import { scenarioOf } from "./scenarios.ts";
import { randomTrial } from "./space.ts";
import { runTrial, shipped } from "./trial.ts";
import { World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.stop());

/** A short part of the lattice: `npm run chaos` has all commands, faults and statements. */
const disturbed: readonly (readonly [command: string, fault: FaultKind, seed: number])[] = [
  ["run day1", "kill", 1_000_001],
  ["run day1", "end a session", 1_000_002],
  ["run day1", "crash the server", 1_000_003],
  ["run day1", "cut the connections", 1_000_004],
  ["run day1", "second command", 1_000_005],
  ["rollback day1", "kill", 1_000_015],
  ["rollback day1", "end all sessions", 1_000_007],
];

test.for(disturbed)(
  "%s, disturbed (%s, seed %i) and run again, ends as if nothing had happened and leaves nothing behind",
  async ([command, fault, seed]) => {
    const among = { scenarios: [scenarioOf(command)], faults: [fault] };
    const trial = await randomTrial(world, seed, among);
    const { problems } = await runTrial(world, trial, shipped("no lease is slept through here"));
    expect([nameOf(trial), problems]).toEqual([nameOf(trial), []]);
  },
);

test("every mutant of the engine can be made: its text is in the build", async () => {
  for (const { name, edits } of [...mutants, { name: "quick lease", edits: quickLease }]) {
    await expect(patchedBuild(`test ${name}`, edits)).resolves.toContain("test");
  }
});
