import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { parseSettings } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { planStages } from "../../src/plan/plan.ts";
import type { Queries, Session } from "../../src/postgres/connection.ts";
import type { StageName } from "../../src/steps/model/stage.ts";
import type { Step } from "../../src/steps/model/step.ts";
import { silenceTriggers } from "../../src/steps/table/backfill.ts";
import { stages } from "../../stages/index.ts";

/** The steps that Tenantry plans for a stage, on the database as it is. */
export async function stepsOf(
  session: Session,
  config: Config,
  stage: StageName,
): Promise<readonly Step[]> {
  const plan = planStages(
    parseSettings(config, "the test"),
    await readSnapshot(session),
    stages.filter(({ name }) => name === stage),
    { origin: "the test" },
  );
  return plan.stages.flatMap(({ steps }) => steps);
}

/** Runs one step as the runner does, without its journal. */
export async function applyStep(session: Session, step: Step): Promise<void> {
  switch (step.mode) {
    case "transaction":
      await session.transaction((queries) => applyStatements(queries, step.up));
      return;
    case "online":
      await session.execute(step.up);
      return;
    case "batches":
      await session.transaction(async (queries) => {
        if (step.silencesTriggers) await queries.execute(silenceTriggers);
        await queries.execute({ parts: step.up.parts, values: ["(0,0)", "(4294967295,0)"] });
      });
      return;
    case "application":
      throw new Error("a plan of the database alone changes no files");
    default:
      step satisfies never;
  }
}

type Statements = Extract<Step, { mode: "transaction" }>["up"];

export async function applyStatements(queries: Queries, statements: Statements): Promise<void> {
  for (const statement of statements) await queries.execute(statement);
}

/** Runs all steps of a stage. */
export async function applyStage(
  session: Session,
  config: Config,
  stage: StageName = "day1",
): Promise<void> {
  for (const step of await stepsOf(session, config, stage)) await applyStep(session, step);
}
