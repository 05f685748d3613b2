import type { Leak } from "../audit/leaks.ts";
import { type LayerName, type MutationResults, tryMutants } from "../audit/mutants.ts";
import { AppError } from "../errors.ts";
import type { Listener } from "../events/events.ts";
import { auditLayer, driftLayer, proofLayer } from "../mutation/layers.ts";
import { mutants } from "../mutation/mutants/index.ts";
import { findingsOfTheWhole, isCaughtBy, leaksWithoutMutant, scoreOf } from "../mutation/score.ts";
import { type SmallCompany, smallCompanies } from "../mutation/small-company.ts";
import type { Target } from "../postgres/connection.ts";
import type { Caller } from "./context/caller.ts";
import { interruptible } from "./context/interruptible.ts";
import { withFencedCompany } from "./copy/fenced-company.ts";
import { withScratch } from "./copy/scratch.ts";

/** The oldest major that has everything that is broken. */
const oldestMajor = 15;

/** Which row is taken for a trial follows from statistics: they stay as they are. */
const settings = { autovacuum: "off" };

export type Tested = { readonly company: SmallCompany["kind"] } & MutationResults;

/** One way to break the fence, and what noticed it. */
export type BrokenWay = {
  readonly name: string;
  readonly leak: Leak;
  /** On which of the databases that have it, of how many. */
  readonly noticed: Readonly<Record<LayerName, readonly SmallCompany["kind"][]>>;
  readonly databases: number;
};

export type SelfTestResult = {
  readonly tested: readonly Tested[];
  readonly ways: readonly BrokenWay[];
  readonly databases: readonly TestedDatabase[];
  /** Ways to leak of which no fence is broken here, and why. */
  readonly notHeld: ReturnType<typeof leaksWithoutMutant>;
  readonly milliseconds: number;
  /** Undefined where every broken fence was noticed, and no whole one. */
  readonly failure: AppError | undefined;
};

type TestedDatabase = {
  readonly database: SmallCompany["kind"];
  /** What was found in the fence before it was broken. */
  readonly whole: readonly string[];
} & ReturnType<typeof scoreOf>;

/**
 * Breaks the fence of small test databases in every known way, one at a time, and reports which
 * of the audit, the proof and the drift notices.
 */
export async function selfTest(
  caller: Pick<Caller, "emit" | "listen">,
  { scratch }: { readonly scratch?: string | undefined } = {},
): Promise<SelfTestResult> {
  const place = { what: "the self-test", state: "its databases are removed" };
  return interruptible(caller, place, (signal) =>
    withScratch({ given: scratch, major: oldestMajor, settings }, ({ server, origin }) => {
      caller.emit({ kind: "notice", text: `the fences are broken on ${origin}` });
      return testOn(server, caller.emit, signal);
    }),
  );
}

async function testOn(
  server: Target,
  emit: Listener,
  signal: AbortSignal,
): Promise<SelfTestResult> {
  const started = performance.now();
  const tested = await Promise.all(
    smallCompanies.map((company) => testCompany(server, company, { emit, signal })),
  );
  const databases = tested.map((one) => ({
    database: one.company,
    whole: findingsOfTheWhole(one),
    ...scoreOf(one),
  }));
  const held = tested.flatMap(({ results }) => results.map(({ mutant }) => mutant.leak));
  const milliseconds = Math.round(performance.now() - started);
  const notHeld = leaksWithoutMutant(held);
  const failure = failureOf(databases);
  return { tested, ways: waysOf(tested), databases, notHeld, milliseconds, failure };
}

function waysOf(tested: readonly Tested[]): readonly BrokenWay[] {
  const all = tested.flatMap(({ company, results }) =>
    results.map((result) => ({ company, result, name: result.mutant.name })),
  );
  return [...new Set(all.map(({ name }) => name))].flatMap((name) => {
    const having = all.filter((one) => one.name === name);
    const [first] = having;
    if (first === undefined) return [];
    const noticedBy = (layer: LayerName) =>
      having.filter(({ result }) => isCaughtBy(result, layer)).map(({ company }) => company);
    return {
      name,
      leak: first.result.mutant.leak,
      noticed: {
        audit: noticedBy("audit"),
        proof: noticedBy("proof"),
        drift: noticedBy("drift"),
      },
      databases: having.length,
    };
  });
}

function failureOf(databases: readonly TestedDatabase[]): AppError | undefined {
  const survivors = databases.flatMap((one) => one.survivors);
  const whole = databases.flatMap((one) => one.whole);
  if (survivors.length + whole.length === 0) return undefined;
  return new AppError({
    code: "AUDIT_FAILED",
    object: "the self-test",
    fault: `${survivors.length} broken fences were not noticed, and whole ones had ${whole.length} findings`,
    state: "its databases are removed",
    next: "please report it",
    details: survivors,
  });
}

async function testCompany(
  server: Target,
  company: SmallCompany,
  { emit, signal }: { readonly emit: Listener; readonly signal: AbortSignal },
): Promise<Tested> {
  return withFencedCompany(server, company, async ({ session, settings, fence, run, left }) => {
    const layers = [auditLayer, proofLayer(settings, run), driftLayer(settings, left)];
    let done = 0;
    const onResult = (): void => {
      signal.throwIfAborted();
      done += 1;
      if (done % 25 !== 0) return;
      emit({ kind: "notice", text: `${company.kind}: ${done} fences were broken` });
    };
    const results = await tryMutants(session, fence, { mutants, layers, onResult });
    return { company: company.kind, ...results };
  });
}

export { leaks as leakTitles } from "../audit/leaks.ts";
export { layerNames } from "../audit/mutants.ts";
