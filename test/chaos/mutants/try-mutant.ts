import { nameOf } from "../report.ts";
import { scenarioOf } from "../scenarios.ts";
import { type Builds, runTrial, type Trial } from "../trial.ts";
import type { World } from "../world.ts";
import type { Meeting, Mutant } from "./mutants.ts";

/** So many trials of a meeting are tried: a mutant that none of them notices has survived. */
const mostTrials = 24;

/**
 * Tries a mutant where it should be noticed.
 * @returns how it was noticed; undefined where it survived
 */
export async function tryMutant(
  world: World,
  mutant: Mutant,
  builds: Builds,
): Promise<string | undefined> {
  for (const meeting of mutant.meetings) {
    for (const trial of await trialsOf(world, meeting)) {
      const { problems } = await runTrial(world, trial, builds);
      const [first] = problems;
      if (first !== undefined) return `${nameOf(trial)}: ${first.split("\n")[0]}`;
    }
  }
  return undefined;
}

/** At the statements that the meeting names, before and behind each. */
async function trialsOf(world: World, { scenario, fault, at }: Meeting): Promise<readonly Trial[]> {
  const { statements } = await world.undisturbed(scenarioOf(scenario));
  const places = statements.flatMap((text, index) => (at.test(text) ? [index + 1] : []));
  const wanted = Math.min(places.length, mostTrials / 2);
  const spread = Array.from({ length: wanted }, (_, index) => {
    // The first and the last are among them.
    const place = Math.round((index * (places.length - 1)) / Math.max(1, wanted - 1));
    return places[place] ?? 1;
  });
  return spread.flatMap((place) =>
    (["before", "sent"] as const).map((phase, index) => ({
      seed: place,
      scenario,
      fault,
      moment: { kind: "statement", at: place, phase } as const,
      choice: index / 2,
      undo: false,
    })),
  );
}
