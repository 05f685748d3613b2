import { findRelation, type Snapshot } from "../catalog/snapshot.ts";
import { relationKey } from "../config/relation-name.ts";
import type { Some } from "../postgres/sql.ts";
import { type LockLevel, lockLevels, type Step } from "../steps/model/step.ts";
import type { StagePlan } from "./plan.ts";

/** A step, or the same step of all partitions of a table, as a plan lists it. */
export type StepLine = {
  /** With `*` instead of the partition. */
  readonly id: string;
  readonly lock: LockLevel | "none";
  /** The relations that it locks; for partitions, their number. */
  readonly on: string;
  /** The size of its table; undefined for a step without a table. */
  readonly bytes: number | undefined;
};

/** The steps of a stage for one table, or for none. */
export type TableLine = {
  readonly title: string;
  readonly steps: number;
  /** The catalog's estimate; undefined without one. */
  readonly rows: number | undefined;
  readonly bytes: number | undefined;
  readonly strongestLock: LockLevel | undefined;
  /** The duration in the rehearsal; undefined without one. */
  readonly milliseconds: number | undefined;
};

/** A stage's steps, with one line for the same step of all partitions of a table. */
export function listSteps({ steps }: StagePlan, snapshot: Snapshot): readonly StepLine[] {
  return foldPartitions(steps).map((folded) => stepLine(folded, snapshot));
}

/** A stage's steps by table. */
export function listTables(
  { steps }: StagePlan,
  snapshot: Snapshot,
  predicted: Readonly<Record<string, { readonly milliseconds: number }>>,
): readonly TableLine[] {
  const tables = new Map<string, Step[]>();
  for (const step of steps) {
    const title = step.table?.name ?? step.title;
    tables.set(title, [...(tables.get(title) ?? []), step]);
  }
  return [...tables].map(([title, own]) => {
    const [first] = own;
    const existing = first?.table === undefined ? undefined : findRelation(snapshot, first.table);
    const known = own.flatMap(({ id }) => predicted[id]?.milliseconds ?? []);
    return {
      title,
      steps: own.length,
      rows: existing?.estimatedRows ?? undefined,
      bytes: existing?.bytes,
      strongestLock: lockLevels.find((level) => own.some(({ lock }) => lock.level === level)),
      milliseconds: known.length === 0 ? undefined : known.reduce((sum, one) => sum + one, 0),
    };
  });
}

type Folded = { readonly id: string; readonly steps: Some<Step> };

/** One line for the same step of all partitions of a table, which can be hundreds. */
function foldPartitions(steps: readonly Step[]): Folded[] {
  const folded = new Map<string, Folded>();
  for (const step of steps) {
    const kind = step.id.split("/").at(-1) ?? "";
    const of =
      step.partitionOf === undefined ? undefined : `${relationKey(step.partitionOf)} ${kind}`;
    const key = of ?? step.id;
    const before = folded.get(key);
    const id = step.id.split("/").with(-2, "*").join("/");
    if (before === undefined)
      folded.set(key, { id: of === undefined ? step.id : id, steps: [step] });
    else folded.set(key, { id: before.id, steps: [...before.steps, step] });
  }
  return [...folded.values()];
}

function stepLine({ id, steps }: Folded, snapshot: Snapshot): StepLine {
  const [{ lock, partitionOf }] = steps;
  const sizes = steps.flatMap(({ table }) => {
    const existing = table === undefined ? undefined : findRelation(snapshot, table);
    // The size of a partitioned table is that of its partitions, so it is not added again.
    const counted = existing?.kind === "table" || steps.length === 1;
    return existing !== undefined && counted ? [existing.bytes] : [];
  });
  const on = lock.level === "none" ? "" : lock.on.map(({ name }) => name).join(", ");
  return {
    id,
    lock: lock.level,
    on:
      partitionOf === undefined || steps.length === 1
        ? on
        : `${steps.length} partitions, one after the other`,
    bytes: sizes.length === 0 ? undefined : sizes.reduce((sum, one) => sum + one, 0),
  };
}
