import { relationKey } from "../config/relation-name.ts";
import type { StepCost } from "../journal/steps.ts";
import type { StepOutline } from "../steps/model/step.ts";

/** By which factor each table is larger than its copy. */
export type Scale = ReadonlyMap<string, number>;

/** Whether a step reads every row of its table; the others change only the catalog. */
function readsAllRows(step: StepOutline): boolean {
  return step.mode !== "transaction" || step.lock.level === "SHARE UPDATE EXCLUSIVE";
}

/** The predicted cost of a step, from its cost on a copy. */
export function predict(step: StepOutline, measured: StepCost, scale: Scale): StepCost {
  const factor = step.table === undefined ? 1 : (scale.get(relationKey(step.table)) ?? 1);
  const { milliseconds, grownBytes } = measured;
  return {
    milliseconds: Math.round(readsAllRows(step) ? milliseconds * factor : milliseconds),
    grownBytes: grownBytes === null ? null : Math.round(grownBytes * factor),
  };
}

/** The factor between prediction and measurement; at least 1, whichever of the two is larger. */
export function offBy(predicted: number, measured: number): number {
  const [one, other] = [Math.max(predicted, 1), Math.max(measured, 1)];
  return Math.max(one / other, other / one);
}
