import type { StageContext } from "../../../src/steps/model/stage.ts";
import type { TablePlan } from "../../../src/steps/model/table-plan.ts";

/** True for every signed-in user. With identity supabase, every member is one. */
const ofEverybodySignedIn = [
  /^\(auth\.uid\(\) IS NOT NULL\)$/,
  /^\(\( SELECT auth\.uid\(\) AS uid\) IS NOT NULL\)$/,
  /^\(auth\.role\(\) = 'authenticated'::text\)$/,
  /^\(\( SELECT auth\.role\(\) AS role\) = 'authenticated'::text\)$/,
];

/** Whether a condition, as the server writes it, holds of every row for every member. */
export function letsEverybodyThrough(
  condition: string,
  { existing }: TablePlan,
  { settings }: StageContext,
): boolean {
  if (condition === "true") return true;
  if (
    settings.identity.kind === "supabase" &&
    ofEverybodySignedIn.some((one) => one.test(condition))
  )
    return true;
  const same = /^\((.+) = \1\)$/.exec(condition)?.[1];
  const there = /^\((.+) IS NOT NULL\)$/.exec(condition)?.[1];
  const name = same ?? there;
  if (name === undefined) return false;
  // A constant equals itself, unless it is NULL.
  if (same !== undefined && /^(\d+|'[^']*'::text|true)$/.test(same)) return true;
  return existing.columns.some(
    (column) => column.notNull && (column.name === name || `"${column.name}"` === name),
  );
}
