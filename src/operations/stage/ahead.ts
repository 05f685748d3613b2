import { AppError } from "../../errors.ts";
import { readRuns } from "../../journal/journal.ts";
import type { Queries } from "../../postgres/connection.ts";
import { type StageName, stageNames } from "../../steps/model/stage.ts";

/** The stages that are still to be begun: the plan of those under way is journaled already. */
export async function stagesAhead(queries: Queries): Promise<readonly StageName[]> {
  try {
    const runs = await readRuns(queries);
    const begun = runs.filter(({ state }) => state !== "rolled back").map(({ stage }) => stage);
    return stageNames.filter((stage) => !begun.includes(stage));
  } catch (error) {
    // A check reports it, among the others.
    if (error instanceof AppError && error.code === "JOURNAL_INCOMPATIBLE") return stageNames;
    throw error;
  }
}
