import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test, vi } from "vitest";
import type { RunEvent } from "../../src/events/events.ts";
import { openWorkspace } from "../../src/operations/context/open-workspace.ts";
import { runStages } from "../../src/operations/run-stages.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

/** What grows with the tables, as far as it was made by now. */
const made = vi.hoisted((): WeakRef<object>[] => []);

vi.mock("../../src/catalog/snapshot.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/catalog/snapshot.ts")>();
  const readSnapshot: typeof original.readSnapshot = async (session) => {
    const snapshot = await original.readSnapshot(session);
    made.push(new WeakRef(snapshot));
    return snapshot;
  };
  return { ...original, readSnapshot };
});

vi.mock("../../src/plan/plan.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/plan/plan.ts")>();
  const planStages: typeof original.planStages = (...from) => {
    const plan = original.planStages(...from);
    made.push(new WeakRef(plan), ...plan.stages.map((stage) => new WeakRef(stage)));
    return plan;
  };
  return { ...original, planStages };
});

test("while steps run, neither a plan nor a snapshot of the catalog is held", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const { url, session } = await createDatabase("held while steps run");
  await makeSmallCompany(session);
  const project = await makeProject(url, smallCompany);
  const seen: { made: number; alive: number }[] = [];
  const onEvent = ({ kind }: RunEvent) => {
    if (kind !== "step-applied") return;
    collect();
    const alive = made.filter((one) => one.deref() !== undefined);
    seen.push({ made: made.length, alive: alive.length });
  };
  await openWorkspace({ url, folder: project.folder, onEvent }, (workspace) =>
    runStages(workspace, { stage: "day1" }),
  );
  expect(seen.length).toBeGreaterThan(5);
  expect(seen[0]?.made).toBeGreaterThan(3);
  expect(seen.filter(({ alive }) => alive > 0)).toEqual([]);
});
