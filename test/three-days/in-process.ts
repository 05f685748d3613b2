import { expect, onTestFinished } from "vitest";
import { readRoutines } from "../../src/catalog/routines/read-routines.ts";
import { readSnapshot } from "../../src/catalog/snapshot.ts";
import { parseSettings } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { requestRoles, resolveRoles } from "../../src/config/settings.ts";
import { type Run, readRuns, runInForce } from "../../src/journal/journal.ts";
import { takeLease } from "../../src/journal/lease.ts";
import { createJournal } from "../../src/journal/schema.ts";
import { type Plan, planStages } from "../../src/plan/plan.ts";
import { openSession } from "../../src/postgres/connection.ts";
import { observerOn } from "../../src/postgres/observer.ts";
import { rollBack } from "../../src/rollback/roll-back.ts";
import type { RunContext } from "../../src/run/context.ts";
import { beginStage, runStage } from "../../src/run/run-stage.ts";
import type { RemoteCall } from "../../src/steps/definer/proposal.ts";
import type { StageName } from "../../src/steps/model/stage.ts";
import { verificationError, verifyStage } from "../../src/verify/stage.ts";
import { stages } from "../../stages/index.ts";

export type Days = {
  run(stage: StageName): Promise<void>;
  verify(stage: StageName): Promise<void>;
  rollBack(stage: StageName): Promise<void>;
};

/** The days without the command line and without pg_dump, which refuses servers newer than itself. */
export async function daysOn(
  url: string,
  config: Config,
  calls?: readonly RemoteCall[],
): Promise<Days> {
  const settings = parseSettings(config, "the test");
  const session = await openSession({ url }, "days: work");
  const observing = await openSession({ url }, "days: observer");
  const keeper = await openSession({ url }, "days: lease");
  await createJournal(session);
  const lease = await takeLease(keeper);
  onTestFinished(async () => {
    await lease.release();
    await Promise.all([session.close(), observing.close(), keeper.close()]);
  });
  const context: Omit<RunContext, "runId"> = {
    session,
    observer: observerOn(observing),
    openBeside: () => openSession({ url }, "days: beside"),
    lease,
    online: settings.online,
    applicationFolder: ".",
    emit: () => undefined,
    interrupted: new AbortController().signal,
  };
  const plan = async (
    stage: StageName,
  ): Promise<Plan & { readonly of: Plan["stages"][number] }> => {
    const wanted = stages.filter(({ name }) => name === stage);
    const snapshot = await readSnapshot(session);
    const roles = requestRoles(resolveRoles(settings, snapshot.server.usesAnon));
    const routines = await session.transaction((queries) => readRoutines(queries, roles));
    const planned = planStages(settings, snapshot, wanted, {
      origin: "the test",
      routines,
      calls,
    });
    const [of] = planned.stages;
    if (of === undefined) throw new Error(`there is no stage ${stage}`);
    return { ...planned, of };
  };
  const inForce = async (stage: StageName): Promise<Run> => {
    const run = await runInForce(session, stage);
    if (run === undefined)
      throw new Error(`${stage} is not in force: ${JSON.stringify(await readRuns(session))}`);
    return run;
  };
  return {
    async run(stage) {
      const { of, tenancy, digest } = await plan(stage);
      const { fingerprint } = await readSnapshot(session);
      const inSettings = { ...context, settings };
      const begun = await beginStage(inSettings, {
        plan: of,
        tenancy,
        planDigest: digest,
        fingerprint,
        predicted: {},
        backUp: async () => ({ folder: "none", bytes: 0, gitTag: null, tag: "no tag" }),
      });
      await runStage(inSettings, begun);
    },
    async verify(stage) {
      const results = await verifyStage(session, {
        settings,
        run: await inForce(stage),
        reach: "and around it",
        emit: () => undefined,
      });
      expect(
        verificationError(stage, results, { state: "nothing was changed", demanded: "claims" }),
      ).toBeUndefined();
    },
    async rollBack(stage) {
      expect(await rollBack(context, await inForce(stage))).toEqual([]);
    },
  };
}
