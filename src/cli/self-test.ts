import { leaks } from "../audit/leaks.ts";
import { type LayerName, layerNames, type MutationResults, tryMutants } from "../audit/mutants.ts";
import { AppError } from "../errors.ts";
import { auditLayer, driftLayer, proofLayer } from "../mutation/layers.ts";
import { mutants } from "../mutation/mutants/index.ts";
import { findingsOfTheWhole, isCaughtBy, leaksWithoutMutant, scoreOf } from "../mutation/score.ts";
import { type SmallCompany, smallCompanies } from "../mutation/small-company.ts";
import type { Target } from "../postgres/connection.ts";
import { colorsFor } from "../report/colors.ts";
import { formatTable } from "../report/table.ts";
import { formatDuration } from "../report/units.ts";
import { withFencedCompany } from "./fenced-company.ts";
import { interruptible } from "./interruption.ts";
import type { GlobalOptions } from "./options.ts";
import { type Output, withOutput } from "./output.ts";
import type { Result } from "./results.ts";
import { withScratch } from "./scratch.ts";
import { takeTarget } from "./workplace.ts";

export type SelfTestOptions = GlobalOptions & { readonly scratch?: string | undefined };

/** The oldest major that has everything that is broken. */
const oldestMajor = 15;

/** Which row is taken for a trial follows from statistics: they stay as they are. */
const settings = { autovacuum: "off" };

type Tested = { readonly company: SmallCompany["kind"] } & MutationResults;

/**
 * `tenantry audit --self-test`: breaks the fence of small databases of our own in every known way, one
 * at a time, and shows who notices.
 */
export async function selfTest(options: SelfTestOptions): Promise<void> {
  // It has databases of its own, which have no business with these secrets.
  const target = takeTarget(options);
  await withOutput({ options, target, log: undefined }, (output) =>
    interruptible("the self-test", "its databases are gone", (signal) =>
      withScratch(
        { given: options.scratch, major: oldestMajor, settings },
        ({ server, origin }) => {
          output.emit({ kind: "notice", text: `the fences are broken on ${origin}` });
          return testOn(server, output, signal);
        },
      ),
    ),
  );
}

async function testOn(server: Target, output: Output, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const tested = await Promise.all(
    smallCompanies.map((company) => testCompany(server, company, output, signal)),
  );
  const result = resultOf(tested, Math.round(performance.now() - started));
  await output.show(result, () => showScore(tested, result));
  if (result.holds) return;
  const survivors = result.databases.flatMap(({ survivors: own }) => own);
  throw new AppError({
    code: "AUDIT_FAILED",
    object: "the self-test",
    fault: `${survivors.length} broken fences were not noticed, and whole ones had ${result.databases.flatMap(({ whole }) => whole).length} findings`,
    state: "its databases are gone",
    next: "please report it",
    details: survivors,
  });
}

async function testCompany(
  server: Target,
  company: SmallCompany,
  output: Output,
  signal: AbortSignal,
): Promise<Tested> {
  return withFencedCompany(server, company, async ({ session, settings, fence, run, left }) => {
    const layers = [auditLayer, proofLayer(settings, run), driftLayer(left)];
    let done = 0;
    const tell = (): void => {
      signal.throwIfAborted();
      done += 1;
      if (done % 25 !== 0) return;
      output.emit({ kind: "notice", text: `${company.kind}: ${done} fences were broken` });
    };
    const results = await tryMutants(session, fence, mutants, layers, tell);
    return { company: company.kind, ...results };
  });
}

type SelfTestResult = Extract<Result, { kind: "self-test" }>;

function resultOf(tested: readonly Tested[], milliseconds: number): SelfTestResult {
  const databases = tested.map((one) => ({
    database: one.company,
    whole: findingsOfTheWhole(one),
    ...scoreOf(one),
    results: one.results.map(({ mutant, caught }) => ({
      mutant: mutant.name,
      leak: mutant.leak,
      audit: caught.audit ?? [],
      proof: caught.proof ?? [],
      drift: caught.drift ?? [],
    })),
  }));
  const held = tested.flatMap(({ results }) => results.map(({ mutant }) => mutant.leak));
  return {
    kind: "self-test",
    holds: databases.every((one) => one.whole.length === 0 && one.survivors.length === 0),
    databases,
    notHeld: leaksWithoutMutant(held),
    milliseconds,
  };
}

function showScore(tested: readonly Tested[], result: SelfTestResult): string {
  const names = [...new Set(tested.flatMap(({ results }) => results.map((one) => one.mutant)))];
  const rows = names.map((mutant) => [
    mutant.name,
    mutant.leak,
    ...layerNames.map((layer) => cellOf(tested, mutant.name, layer)),
  ]);
  const pc = colorsFor(process.stdout);
  const table = formatTable(["the fence, broken", "leak", ...layerNames], rows);
  const scores = result.databases.flatMap(
    ({ database, whole, mutants: all, caughtBy, survivors }) => {
      const shares = layerNames.map((layer) => `${layer} ${caughtBy[layer]}`).join(", ");
      const seen = all - survivors.length;
      return [
        `${pc.bold(database)}: ${seen} of ${all} noticed: ${shares}; the whole fence: ${whole.length} findings`,
        ...survivors.map((name) => `  ${pc.red("✘")} nobody noticed: ${name}`),
        ...whole.map((finding) => `  ${pc.red("✘")} of the whole fence: ${finding}`),
      ];
    },
  );
  const without = result.notHeld.map(({ leak, why }) => `  ${leaks[leak]}: ${why}`);
  return [
    table,
    "",
    ...scores,
    "",
    "Not broken here:",
    ...without,
    `it took ${formatDuration(result.milliseconds)}`,
    "",
  ].join("\n");
}

/** A tick where every database that has the mutant has it caught, and else which do. */
function cellOf(tested: readonly Tested[], name: string, layer: LayerName): string {
  const having = tested.flatMap(({ company, results }) =>
    results.filter(({ mutant }) => mutant.name === name).map((one) => ({ company, one })),
  );
  const caught = having.filter(({ one }) => isCaughtBy(one, layer));
  if (caught.length === 0) return "·";
  if (caught.length === having.length) return "✔";
  return `✔ ${caught.map(({ company }) => company).join(", ")}`;
}
