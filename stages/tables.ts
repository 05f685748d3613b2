import type { StageContext } from "../src/steps/stage.ts";
import type { Step } from "../src/steps/step.ts";
import type { TablePlan } from "../src/steps/table-plan.ts";
import { tenantTable } from "../src/steps/tenant-table.ts";

/** The steps of a stage's tables: parents come before the children that ask them. */
export function tablesOf({ settings }: StageContext, tables: readonly TablePlan[]): Step[] {
  return tables.flatMap((table) => tenantTable(table, settings.online.smallTableInBytes));
}
