import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { sql } from "../../src/postgres/sql.ts";
import { type Ended, ownBuild, type Place, type Running, start } from "./command.ts";
import { differences, digestOf } from "./digest.ts";
import { clearAway, type FaultKind, strike } from "./faults.ts";
import { leftBehind } from "./left-behind.ts";
import { type Network, startProxy } from "./proxy.ts";
import { readerInMilliseconds } from "./rival.ts";
import { type Scenario, scenarioOf } from "./scenarios.ts";
import { type ChaosServer, company, namesOf } from "./server.ts";
import type { Undisturbed, World } from "./world.ts";
import { startWriter } from "./writer.ts";

/** When a fault strikes: at a statement, some time after the start, or all the time. */
export type Moment =
  | { readonly kind: "statement"; readonly at: number; readonly phase: "before" | "sent" }
  | { readonly kind: "time"; readonly milliseconds: number }
  | { readonly kind: "always" };

/** One fault in one command: the same again for the same seed. */
export type Trial = {
  readonly seed: number;
  readonly scenario: string;
  readonly fault: FaultKind;
  readonly moment: Moment;
  /** From 0 to 1: which session, or how small the disk. */
  readonly choice: number;
  /** Whether everything is undone in the end, and compared with the database from before. */
  readonly undo: boolean;
};

export type TrialResult = {
  readonly trial: Trial;
  /** What must not be; nothing where the trial held. */
  readonly problems: readonly string[];
  /** How often the command was run again until it was done. */
  readonly again: number;
  readonly longestWaitInMilliseconds: number;
  readonly writes: number;
  readonly milliseconds: number;
};

/** Builds of the engine: the shipped one, or a copy with one fault. */
export type Builds = {
  readonly folder: string;
  /** The same with a lease that expires within seconds, for processes that are paused. */
  readonly quick: string;
};

export const shipped = (quick: string): Builds => ({ folder: ownBuild, quick });

/** Faults that pass by themselves, and leave a stage that can go on. */
const endsByItself: readonly FaultKind[] = [
  ...(["kill", "end a session", "end all sessions", "crash the server"] as const),
  ...(["cut the connections", "stall the network", "hold locks", "long reader"] as const),
];

/** How often a command has to be run again at most. */
function mostAgain(fault: FaultKind): number {
  const waitedOut: readonly FaultKind[] = ["stall the network", "hold locks", "long reader"];
  return waitedOut.includes(fault) ? 0 : 1;
}

const mostAttempts = 6;
const lifetimeOfQuickLease = 3_000;

/** Carries out one trial. */
export async function runTrial(world: World, trial: Trial, builds: Builds): Promise<TrialResult> {
  const started = performance.now();
  const scenario = scenarioOf(trial.scenario);
  const undisturbed = await world.undisturbed(scenario);
  const build = trial.fault === "pause" ? builds.quick : builds.folder;
  const place = await world.arrive(scenario.from, build);
  const { server } = world;
  const proxy = needsProxy(trial.fault) ? await startProxy(server.port) : undefined;
  const writer = scenario.withoutWriter === true ? undefined : startWriter(server);
  const problems: string[] = [];
  const commands: Running[] = [];
  const begin: Begin = (launch, port) => {
    const url = (database: string): string => server.url(database, port);
    const through = port === undefined ? place : { ...place, url: server.url("company", port) };
    const running = start(through, scenario.args({ folder: place.folder, url }), launch);
    commands.push(running);
    return running;
  };
  const first = await disturb(world, trial, begin, proxy);
  proxy?.close();
  const ended = [first, ...(await untilDone(scenario, first, begin, place))];
  const again = ended.length - 1;
  if (!isDone(scenario, ended.at(-1))) problems.push("never done", saidLast(ended.at(-1)));
  if (again > mostAgain(trial.fault)) {
    problems.push(`done only at attempt ${again + 1}`, ...ended.map(saidLast));
  }
  problems.push(...ended.flatMap(complaints));
  const written = await writer?.stop();
  problems.push(...(written?.problems ?? []));
  const waited = written?.longestWaitInMilliseconds ?? 0;
  if (trial.fault === "long reader" && waited > readerInMilliseconds * 0.9) {
    problems.push(`a writer waited ${waited} ms behind a reader`);
  }
  if (endsByItself.includes(trial.fault) && (await wasUndone(server))) {
    problems.push("a stage was undone for a fault that passes");
  }
  await clearAway(trial.fault, server);
  const marks = commands.map(({ mark }) => mark);
  problems.push(...(await compare(world, trial, undisturbed, place)));
  problems.push(...(await leftBehind(server, place, marks, undisturbed)));
  if (problems.length === 0) await rm(place.folder, { recursive: true });
  if (scenario.compared !== "company") await server.drop(scenario.compared);
  return {
    trial,
    problems,
    again,
    longestWaitInMilliseconds: waited,
    writes: written?.writes ?? 0,
    milliseconds: Math.round(performance.now() - started),
  };
}

/** Whether a run was begun and rolled back, where nobody asked for it. */
async function wasUndone(server: ChaosServer): Promise<boolean> {
  return server.inDatabase(company, async (session) => {
    if (!(await namesOf(session, "schemas")).includes("tenantry")) return false;
    const [found] = await session.rows(
      sql`
        SELECT count(*) FILTER (WHERE state = 'rolled back') > 0
                 AND count(*) FILTER (WHERE state = 'applied') > 0 AS undone
          FROM tenantry.run
         WHERE stage = (SELECT stage FROM tenantry.run ORDER BY id DESC LIMIT 1)
      `,
      z.object({ undone: z.boolean() }),
    );
    return found?.undone === true;
  });
}

type Begin = (launch?: Parameters<typeof start>[2], port?: number) => Running;

function needsProxy(fault: FaultKind): boolean {
  return fault === "cut the connections" || fault === "stall the network";
}

/** Runs the command, and lets the fault strike. */
async function disturb(
  { server }: World,
  { fault, moment, choice }: Trial,
  begin: Begin,
  proxy: Network | undefined,
): Promise<Ended> {
  if (fault === "fill the disk") {
    return begin({ diskInKilobytes: 16 + Math.round(choice * 500) }).ended;
  }
  if (moment.kind === "statement") {
    const { at, phase } = moment;
    const how = fault === "kill" ? "kill" : "ask";
    const running = begin({ stop: { at, phase, how } }, proxy?.port);
    if (how === "kill") return struck(await running.ended, ({ code }) => code === -1);
    if ((await running.halted) === undefined) return struck(await running.ended, () => false);
    if (fault === "pause") return pause(running, begin);
    if (fault === "second command") return besides(running, begin);
    await strike(fault, { server, proxy, running, choice });
    return running.ended;
  }
  const running = begin({}, proxy?.port);
  if (moment.kind === "time") await sleep(moment.milliseconds);
  await strike(fault, { server, proxy, running, choice });
  return running.ended;
}

/** A command that ended before its statement came: nothing was disturbed, and nothing is shown. */
function struck(ended: Ended, was: (ended: Ended) => boolean): Ended {
  return was(ended) ? ended : { ...ended, stderr: `${ended.stderr}\n${neverStruck}` };
}

const neverStruck = "the fault never struck";

/** A process sleeps past its lease, another takes over and ends, and the first wakes up. */
async function pause(running: Running, begin: Begin): Promise<Ended> {
  process.kill(running.pid, "SIGSTOP");
  await sleep(lifetimeOfQuickLease + 500);
  let other: Ended;
  let left = mostAttempts;
  do {
    other = await begin().ended;
    left -= 1;
    // The server ends the sleeper's transaction after five seconds.
    if (other.code === 4) await sleep(1_500);
  } while (other.code === 4 && left > 0);
  process.kill(running.pid, "SIGCONT");
  running.go();
  const first = await running.ended;
  return first.code === 0 && other.code === 0
    ? { ...first, stderr: `${first.stderr}\n${bothDidIt}` }
    : first;
}

/** Another process starts while the first one works: it must be refused, and harm nothing. */
async function besides(running: Running, begin: Begin): Promise<Ended> {
  const other = await begin().ended;
  running.go();
  const first = await running.ended;
  return first.code === 0 && other.code === 0
    ? { ...first, stderr: `${first.stderr}\n${bothDidIt}` }
    : first;
}

const bothDidIt = "both processes say that they did it";

function said({ stdout, stderr }: Ended): string {
  return `${stdout}\n${stderr}`;
}

function isDone({ doneAlready }: Scenario, ended: Ended | undefined): boolean {
  if (ended === undefined) return false;
  if (ended.code === 0) return true;
  return doneAlready !== undefined && said(ended).includes(doneAlready);
}

/** Runs the command again until it is done, and what its error names where it needs another one. */
async function untilDone(
  scenario: Scenario,
  first: Ended,
  begin: Begin,
  place: Place,
): Promise<readonly Ended[]> {
  const ended: Ended[] = [];
  let last = first;
  while (!isDone(scenario, last) && ended.length < mostAttempts) {
    if (last.code === 4) await sleep(1_000);
    const rollback = /continue the rollback: (tenantry rollback --stage (day\d))/.exec(said(last));
    last =
      rollback?.[2] === undefined
        ? await begin().ended
        : await start(place, ["rollback", "--stage", rollback[2], "--yes", "--json"]).ended;
    ended.push(rollback === null ? last : { ...last, code: last.code === 0 ? 1 : last.code });
  }
  return ended;
}

/** What no command may do, however it was disturbed. */
function complaints(ended: Ended): readonly string[] {
  const problems: string[] = [];
  if (ended.stderr.includes(neverStruck)) problems.push(neverStruck);
  if (ended.hung) problems.push(`hung: ${saidLast(ended)}`);
  if (/"kind":"error","code":"INTERNAL"|internal error/.test(said(ended)))
    problems.push(`internal: ${saidLast(ended)}`);
  if (/Warning: |UnhandledPromise|both processes/.test(ended.stderr)) {
    problems.push(`raw: ${saidLast(ended)}`);
  }
  return problems;
}

function saidLast(ended: Ended | undefined): string {
  return ended === undefined ? "" : said(ended).trim().split("\n").slice(-8).join("\n    ");
}

/** Compares with the undisturbed end, and after a rollback of everything with the beginning. */
async function compare(
  world: World,
  { fault, undo: wanted }: Trial,
  { scenario, wanted: end }: Undisturbed,
  place: Place,
): Promise<readonly string[]> {
  const { server } = world;
  const found = differences(end, await digestOf(server, scenario.compared));
  // What somebody else dropped is theirs; but everything can be undone.
  const dropped = fault === "dropped index";
  const problems = dropped ? [] : [...found];
  if (scenario.undo === undefined || (!wanted && !dropped)) return problems;
  const { code, stderr } = await start(place, scenario.undo).ended;
  if (code !== 0 && !(dropped && found.length > 0)) problems.push(`undoing failed: ${stderr}`);
  const after = differences(await world.digest("before"), await digestOf(server, "company"));
  return [...problems, ...after.map((line) => `undone: ${line}`)];
}
