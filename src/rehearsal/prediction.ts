import { relationKey } from "../config/relation-name.ts";
import type { StepCost } from "../journal/steps.ts";
import type { StepOutline } from "../steps/model/step.ts";

/** How many times larger the tables are than their copies, by relation. */
export type Scale = ReadonlyMap<string, number>;

/** Whether a step looks at every row of its table; the others change the catalog alone. */
function looksAtRows(step: StepOutline): boolean {
  return step.mode !== "transaction" || step.lock.level === "SHARE UPDATE EXCLUSIVE";
}

/** What a step will cost, from what it cost on a copy. */
export function predict(step: StepOutline, measured: StepCost, scale: Scale): StepCost {
  const factor = step.table === undefined ? 1 : (scale.get(relationKey(step.table)) ?? 1);
  const { milliseconds, grownBytes } = measured;
  return {
    milliseconds: Math.round(looksAtRows(step) ? milliseconds * factor : milliseconds),
    grownBytes: grownBytes === null ? null : Math.round(grownBytes * factor),
  };
}

/** How far a prediction was off, as a factor of at least 1, whichever was larger. */
export function offBy(predicted: number, measured: number): number {
  const [one, other] = [Math.max(predicted, 1), Math.max(measured, 1)];
  return Math.max(one / other, other / one);
}
