import type { RunEvent, StepAhead, StepFacts } from "../../events/events.ts";
import { formatBytes, formatCount, formatDuration } from "../../number-formats.ts";
import { beginPace, dumpFacts, millisecondsLeft, type Pace } from "./pace.ts";
import { countHeld } from "./results.ts";
import { type StepLeft, timeLeft } from "./time-left.ts";

/** A table with its steps, or a part of a stage that concerns no single table. */
export type Part = {
  readonly name: string;
  state: "waiting" | "running" | "done" | "failed";
  stepsLeft: number;
  milliseconds: number;
  /** Shown beside its time once it is done. */
  outcome: string | undefined;
  doing: { readonly title: string; readonly since: number } | undefined;
  pace: Pace | undefined;
  /** What it waits for, and who blocks. */
  waiting: { readonly reason: string; readonly attempt: number } | undefined;
};

type Ahead = {
  readonly step: StepAhead;
  readonly predicted: number | undefined;
  /** Since when it runs. */
  startedAt: number | undefined;
};

/** How far a stage, or its rollback, is. */
export type Progress = {
  readonly heading: string;
  readonly parts: readonly Part[];
  /** The steps that are not done, by id, with their predicted time. */
  readonly ahead: Map<string, Ahead>;
  /** Of the steps that are done: their predicted and their real time, checks included. */
  readonly behind: { predicted: number; took: number };
  readonly tablesAtOnce: number;
  notices: string[];
  interrupted: "stopping" | "cancelling" | undefined;
};

const backup = "back up and tag";
const verification = "verify";

/** Where an event begins something that has progress, that; else undefined. */
export function beginProgress(event: RunEvent): Progress | undefined {
  switch (event.kind) {
    case "stage-started": {
      const rest = [...event.steps.map(partOf), verification];
      const predicted = event.predictedMilliseconds;
      return newProgress(
        `${event.stage}: ${event.title}${event.resumed ? ", going on where it stopped" : ""}`,
        event.resumed ? rest : [backup, ...rest],
        event.steps.map((step) => ({ step, predicted: predicted[step.id], startedAt: undefined })),
        event.tablesAtOnce,
      );
    }
    case "rollback-started":
      return newProgress(`${event.stage}: rolling back`, event.steps.map(partOf), [], 1);
    default:
      return undefined;
  }
}

function newProgress(
  heading: string,
  names: readonly string[],
  ahead: readonly Ahead[],
  tablesAtOnce: number,
): Progress {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const parts = [...counts].map(
    ([name, stepsLeft]): Part => ({
      name,
      state: "waiting",
      stepsLeft,
      milliseconds: 0,
      outcome: undefined,
      doing: undefined,
      pace: undefined,
      waiting: undefined,
    }),
  );
  return {
    heading,
    parts,
    ahead: new Map(ahead.map((one) => [one.step.id, one])),
    behind: { predicted: 0, took: 0 },
    tablesAtOnce,
    notices: [],
    interrupted: undefined,
  };
}

function partOf({ table, title }: StepFacts): string {
  return table ?? title;
}

type StepEvent = Extract<RunEvent, { readonly step: StepFacts }>;

/** Takes an event in, at a time in milliseconds. */
export function advance(progress: Progress, event: RunEvent, now: number): void {
  if ("step" in event) advanceStep(progress, event, now);
  else advanceStage(progress, event, now);
}

function advanceStage(progress: Progress, event: Exclude<RunEvent, StepEvent>, now: number): void {
  const named = (name: string) => progress.parts.find((part) => part.name === name);
  switch (event.kind) {
    case "notice":
      progress.notices.push(event.text);
      break;
    case "interrupted":
      progress.interrupted = event.cancels ? "cancelling" : "stopping";
      break;
    case "backup-started":
      begin(named(backup), "", now);
      break;
    case "backup-progress":
      begin(named(backup), dumpFacts(event), now);
      break;
    case "backup-finished":
      end(named(backup), `${event.folder} (${formatBytes(event.bytes)}), ${event.tag}`);
      break;
    case "proof-started":
      begin(named(verification), "users try what they must not be able to", now);
      break;
    case "proof-progress":
      begin(named(verification), `${event.tables} of ${event.ofTables} tables`, now);
      break;
    case "stage-verified":
      end(named(verification), countHeld(event.verification));
      break;
    case "stage-failed":
      failRunning(progress, event.message);
      break;
    case "stage-started":
    case "stage-applied":
    case "rollback-started":
    case "rollback-finished":
    case "statement":
      break;
    default:
      event satisfies never;
  }
}

function advanceStep(progress: Progress, event: StepEvent, now: number): void {
  const part = progress.parts.find(({ name }) => name === partOf(event.step));
  switch (event.kind) {
    case "step-started":
      setRunning(progress, event.step, now);
      begin(part, event.step.title, now);
      break;
    case "step-progress":
      if (part === undefined) break;
      part.pace = beginPace(part.pace, event, now);
      part.waiting = undefined;
      break;
    case "step-waiting":
      if (part === undefined) break;
      // A rollback has no event when a step begins.
      if (part.state === "waiting") begin(part, event.step.title, now);
      part.waiting = { reason: event.reason, attempt: event.attempt };
      break;
    case "gate-started":
      begin(part, `${event.gate} ${event.when} it`, now);
      break;
    case "step-applied":
      stepTook(part, event.milliseconds);
      begin(part, "checks", now);
      break;
    case "step-failed":
      setRunning(progress, event.step, undefined);
      stepFailed(part, event);
      break;
    case "step-verified":
      leaveBehind(progress, event.step, now);
      stepEnded(part);
      break;
    case "step-undone":
      stepTook(part, event.milliseconds);
      stepEnded(part);
      break;
    case "gate-finished":
      break;
    default:
      event satisfies never;
  }
}

/** Marks the step under way as failed, or the next one where none was; not where the step reported it itself. */
export function failRunning({ parts }: Progress, reason: string | undefined): void {
  const under = parts.filter(({ state }) => state === "running");
  if (parts.some(({ state }) => state === "failed")) {
    for (const part of under) part.state = "waiting";
    return;
  }
  const part = under[0] ?? parts.find(({ state }) => state === "waiting");
  if (part === undefined) return;
  part.state = "failed";
  part.outcome = reason;
}

function setRunning({ ahead }: Progress, { id }: StepFacts, startedAt: number | undefined): void {
  const step = ahead.get(id);
  if (step !== undefined) step.startedAt = startedAt;
}

function leaveBehind({ ahead, behind }: Progress, { id }: StepFacts, now: number): void {
  const step = ahead.get(id);
  ahead.delete(id);
  if (step?.startedAt === undefined || step.predicted === undefined) return;
  behind.predicted += step.predicted;
  behind.took += now - step.startedAt;
}

function stepFailed(
  part: Part | undefined,
  { message }: Extract<RunEvent, { kind: "step-failed" }>,
): void {
  if (part === undefined) return;
  part.state = "failed";
  part.outcome = message;
  part.pace = undefined;
  part.waiting = undefined;
}

function begin(part: Part | undefined, title: string, now: number): void {
  if (part === undefined) return;
  part.state = "running";
  part.doing = { title, since: part.doing?.title === title ? part.doing.since : now };
  part.waiting = undefined;
}

function end(part: Part | undefined, outcome: string): void {
  if (part === undefined) return;
  part.state = "done";
  part.outcome = outcome;
}

function stepTook(part: Part | undefined, milliseconds: number): void {
  if (part === undefined) return;
  part.state = "running";
  part.milliseconds += milliseconds;
  part.waiting = undefined;
  if (part.pace === undefined) return;
  part.outcome = `${formatCount(part.pace.rows)} rows`;
  part.pace = undefined;
}

function stepEnded(part: Part | undefined): void {
  if (part === undefined) return;
  part.stepsLeft -= 1;
  if (part.stepsLeft > 0) return;
  part.state = "done";
  const took = formatDuration(part.milliseconds);
  part.outcome = part.outcome === undefined ? took : `${took}, ${part.outcome}`;
}

/** As if so many milliseconds had passed as predicted: one step of few shows little. */
const trust = 300;

/**
 * Milliseconds until the steps are done, by their predictions and by how far those of the steps that are
 * done were off; undefined where there is no prediction.
 */
export function stepsLeftMilliseconds(progress: Progress, now: number): number | undefined {
  const { ahead, behind, tablesAtOnce, parts } = progress;
  const correction = (behind.took + trust) / (behind.predicted + trust);
  const byName = new Map(parts.map((part) => [part.name, part]));
  const left: StepLeft[] = [];
  for (const { step, predicted, startedAt } of ahead.values()) {
    if (predicted === undefined) return undefined;
    const whole = predicted * correction;
    const running = startedAt !== undefined;
    const pace = running ? byName.get(partOf(step))?.pace : undefined;
    // The progress of a backfill predicts more than its prediction.
    const measured = pace === undefined ? undefined : millisecondsLeft(pace);
    const milliseconds = measured ?? Math.max(0, whole - (running ? now - startedAt : 0));
    left.push({ ...(step.lane === undefined ? {} : { lane: step.lane }), running, milliseconds });
  }
  return left.length === 0 ? undefined : timeLeft(left, tablesAtOnce);
}
