import fc from "fast-check";
import { type FaultKind, faultKinds } from "./faults.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import type { Trial } from "./trial.ts";
import type { Undisturbed, World } from "./world.ts";

/** Seeds below are places in the list of all kills at boundaries; from here on they are random. */
export const firstRandomSeed = 1_000_000;

/** Commands that change the database step by step, so that others meet them half way. */
const stepwise = /^(run|resume|rollback)/;

/** Whether a fault can meet a command. */
export function fits(scenario: Scenario, fault: FaultKind): boolean {
  switch (fault) {
    case "fill the disk":
      return stepwise.test(scenario.name) || scenario.name === "backup";
    case "pause":
    case "second command":
    case "rival's column":
    case "dropped index":
      return stepwise.test(scenario.name);
    case "hold locks":
    case "long reader":
    case "cancel a statement":
    case "deadlock":
      return scenario.withoutWriter !== true && scenario.slow !== true;
    default:
      return true;
  }
}

/** A kill before and behind every statement that may write, of every command: a finite number. */
export async function everyKill(world: World): Promise<readonly Trial[]> {
  const trials: Trial[] = [];
  for (const scenario of scenarios.filter(({ slow }) => slow !== true)) {
    const { writes } = await world.undisturbed(scenario);
    for (const at of writes) {
      for (const phase of ["before", "sent"] as const) {
        const seed = trials.length;
        const moment = { kind: "statement", at, phase } as const;
        const facts = { scenario: scenario.name, fault: "kill", choice: 0 } as const;
        trials.push({ seed, ...facts, moment, undo: seed % 5 === 0 });
      }
    }
  }
  return trials;
}

/** From 0 to below 1, evenly. */
const share = fc.noBias(fc.integer({ min: 0, max: 999_999 })).map((millionths) => millionths / 1e6);

/** The trial of a random seed. */
export async function randomTrial(
  world: World,
  seed: number,
  among: { readonly scenarios: readonly Scenario[]; readonly faults: readonly FaultKind[] } = {
    scenarios,
    faults: faultKinds,
  },
): Promise<Trial> {
  const arbitrary = fc.record({
    scenario: share,
    slow: fc.integer({ min: 1, max: 6 }),
    fault: share,
    place: share,
    timed: fc.integer({ min: 1, max: 4 }),
    writing: fc.integer({ min: 1, max: 4 }),
    sent: fc.boolean(),
    choice: share,
    undo: fc.integer({ min: 1, max: 4 }),
  });
  const [drawn] = fc.sample(fc.noBias(arbitrary), { seed, numRuns: 1 });
  if (drawn === undefined) throw new Error("nothing was drawn");
  const quick = among.scenarios.filter(({ slow }) => slow !== true || drawn.slow === 1);
  const scenario = pick(quick, drawn.scenario);
  const fault = pick(
    among.faults.filter((one) => fits(scenario, one)),
    drawn.fault,
  );
  const undisturbed = await world.undisturbed(scenario);
  return {
    seed,
    scenario: scenario.name,
    fault,
    moment: momentOf(fault, undisturbed, drawn),
    choice: drawn.choice,
    undo: drawn.undo === 1,
  };
}

type Drawn = {
  readonly place: number;
  readonly timed: number;
  readonly writing: number;
  readonly sent: boolean;
};

function momentOf(
  fault: FaultKind,
  { statements, writes, milliseconds }: Undisturbed,
  drawn: Drawn,
): Trial["moment"] {
  if (fault === "fill the disk") return { kind: "always" };
  const byTime = ["kill", "end all sessions", "crash the server", "cut the connections"];
  if (byTime.includes(fault) && drawn.timed === 1) {
    return { kind: "time", milliseconds: Math.round(drawn.place * milliseconds) };
  }
  // Three in four strike where something is written; between reads there is less to break.
  const at =
    drawn.writing > 1 && writes.length > 0
      ? pick(writes, drawn.place)
      : 1 + Math.floor(drawn.place * statements.length);
  return { kind: "statement", at, phase: drawn.sent ? "sent" : "before" };
}

function pick<Item>(items: readonly Item[], share: number): Item {
  const item = items[Math.floor(share * items.length)];
  if (item === undefined) throw new Error("there is nothing to choose from");
  return item;
}
