import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { makeDialler } from "../src/demo/dialler.ts";
import { startOldApplication } from "../src/demo/old-application.ts";
import { type RunEvent, runEventSchema } from "../src/events/events.ts";
import { formatDuration } from "../src/number-formats.ts";
import { openSession } from "../src/postgres/connection.ts";
import { sql } from "../src/postgres/sql.ts";
import {
  advance,
  beginProgress,
  type Progress,
  stepsLeftMilliseconds,
} from "../src/report/terminal/progress.ts";
import { mapped } from "./contenders.ts";
import type { Cell, Report } from "./report.ts";
import { type Bench, describeMachine, median, urlOf, withBench } from "./setup.ts";

const writesPerSecond = 100;
const quarters = [0, 0.25, 0.5, 0.75] as const;

type Told = { readonly at: number; readonly event: RunEvent };

/** How right the time left is that a run tells: against what was left indeed, by quarters of it. */
export function benchTimeLeft(rows: number): Promise<Report> {
  return withBench(async (bench) => {
    await bench.session.execute(sql`CREATE DATABASE timed`);
    const url = urlOf(bench, "timed");
    const source = await openSession({ url }, "bench");
    await makeDialler(source, { rows });
    await source.close();
    await bench.session.execute(sql`CREATE DATABASE timed_again TEMPLATE timed`);
    const lines = [
      await lineOf(bench, "by the tables' sizes", url, false),
      await lineOf(bench, "by a rehearsal", urlOf(bench, "timed_again"), true),
    ];
    return {
      name: "time-left",
      command: `npm run bench -- time-left --rows ${rows}`,
      machine: await describeMachine(bench.session),
      about: `Day 1 of the demo with ${rows.toLocaleString("en")} leads and calls, mapped, ${writesPerSecond} writes a second meanwhile: how far the time left that is told is off, as a share of the whole; the middle of all that is told in each quarter of the time.`,
      head: ["told", "steps", "told at first", "first quarter", "second", "third", "last"],
      lines,
      plots: [],
    };
  });
}

async function lineOf(
  bench: Bench,
  name: string,
  url: string,
  rehearsed: boolean,
): Promise<Cell[]> {
  if (rehearsed) await bench.tenantry(mapped, ["rehearse", "--stage", "day1"], url);
  const application = await startOldApplication(url, { writesPerSecond });
  await bench.tenantry(mapped, ["run", "--yes", "--stage", "day1"], url);
  await application.stop();
  const told = await readLog(path.join(bench.folder, ".tenantry", "logs"));
  const errors = errorsOf(told);
  const first = errors[0];
  if (first === undefined) throw new Error("no time left was told");
  const share = (value: number): Cell => ({ value, text: `${Math.round(value * 100)} %` });
  return [
    name,
    formatDuration(first.whole),
    formatDuration(first.said),
    ...quarters.map((from) => {
      const within = errors.filter(({ gone }) => gone >= from && gone < from + 0.25);
      return within.length === 0 ? "" : share(median(within.map(({ off }) => off)));
    }),
  ];
}

const lineSchema = z.looseObject({ at: z.iso.datetime(), kind: z.string() });

/** The events of the run that was logged last. */
async function readLog(folder: string): Promise<Told[]> {
  const last = (await readdir(folder))
    .filter((file) => file.endsWith("-run.jsonl"))
    .sort()
    .at(-1);
  if (last === undefined) throw new Error("the run has no log");
  const text = await readFile(path.join(folder, last), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => {
      const parsed = lineSchema.parse(JSON.parse(line));
      const event = runEventSchema.safeParse(parsed);
      return event.success ? [{ at: Date.parse(parsed.at), event: event.data }] : [];
    });
}

/** What was told after each event between the first step and the last, and how far that was off. */
function errorsOf(told: readonly Told[]) {
  const ofSteps = told.filter(({ event }) => event.kind === "step-started");
  const ends = told.filter(({ event }) => event.kind === "step-verified");
  const [begin, end] = [ofSteps[0]?.at ?? 0, ends.at(-1)?.at ?? 0];
  let progress: Progress | undefined;
  const errors: { gone: number; off: number; said: number; whole: number }[] = [];
  for (const { at, event } of told) {
    progress ??= beginProgress(event);
    if (progress === undefined) continue;
    advance(progress, event, at);
    const said = stepsLeftMilliseconds(progress, at);
    if (said === undefined || at < begin || at > end) continue;
    const whole = end - begin;
    errors.push({
      gone: (at - begin) / whole,
      off: Math.abs(said - (end - at)) / whole,
      said,
      whole,
    });
  }
  return errors;
}
