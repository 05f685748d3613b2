import type { Trial, TrialResult } from "./trial.ts";

/** One trial as a line, and what must not be in the lines below it. */
export function describe(result: TrialResult): string {
  const { trial, problems, again, longestWaitInMilliseconds, milliseconds } = result;
  const facts = `again ${again}, longest wait ${longestWaitInMilliseconds} ms, ${(milliseconds / 1000).toFixed(1)} s`;
  const verdict = problems.length === 0 ? "held" : "FAILED";
  return [
    `${verdict}: seed ${trial.seed}, ${nameOf(trial)} (${facts})`,
    ...problems.map((problem) => `  ${problem}`),
    ...(problems.length === 0 ? [] : [`  again: npm run chaos -- --seed ${trial.seed}`]),
  ].join("\n");
}

/** A trial in words. */
export function nameOf({ scenario, fault, moment }: Trial): string {
  switch (moment.kind) {
    case "statement":
      return `${scenario}: ${fault} ${moment.phase === "before" ? "before" : "behind"} statement ${moment.at}`;
    case "time":
      return `${scenario}: ${fault} after ${moment.milliseconds} ms`;
    case "always":
      return `${scenario}: ${fault}`;
    default:
      return moment satisfies never;
  }
}

/** Counts by fault and by command. */
export function summarize(results: readonly TrialResult[]): string {
  const lines = [...counted(results, "fault"), "", ...counted(results, "scenario")];
  const failed = results.filter(({ problems }) => problems.length > 0);
  const writes = results.reduce((sum, one) => sum + one.writes, 0);
  return [
    "",
    ...lines,
    "",
    `${results.length} faults, ${failed.length} failed; the application wrote ${writes} times`,
    ...failed.map(({ trial }) => `  seed ${trial.seed}: ${nameOf(trial)}`),
  ].join("\n");
}

function counted(results: readonly TrialResult[], by: "fault" | "scenario"): string[] {
  const names = new Set(results.map(({ trial }) => trial[by]));
  return [...names].map((name) => {
    const group = results.filter(({ trial }) => trial[by] === name);
    const failed = group.filter(({ problems }) => problems.length > 0).length;
    const waits = group.map((one) => one.longestWaitInMilliseconds).sort((one, two) => one - two);
    const median = waits[Math.floor(waits.length / 2)] ?? 0;
    return `${name}: ${group.length}, ${failed} failed; longest wait ${waits.at(-1) ?? 0} ms, in the middle ${median} ms`;
  });
}
