import { formatDuration } from "../../number-formats.ts";
import type { Result } from "../../operations/context/results.ts";
import {
  type BrokenWay,
  layerNames,
  leakTitles,
  type SelfTestResult,
  selfTest,
} from "../../operations/self-test.ts";
import { colorsFor } from "../../report/terminal/colors.ts";
import { formatTable } from "../../report/terminal/table.ts";
import type { GlobalOptions } from "../options.ts";
import { withOutput } from "../terminal/output.ts";
import { callerOf, takeTarget } from "../workspace.ts";

export type SelfTestOptions = GlobalOptions & { readonly scratch?: string | undefined };

/** `tenantry audit --self-test`: breaks small fences in every known way, and shows what notices. */
export async function selfTestCommand(options: SelfTestOptions): Promise<void> {
  // It creates its own databases and does not need these secrets.
  const target = takeTarget(options);
  await withOutput({ options, target, log: undefined }, async (output) => {
    const result = await selfTest(callerOf(options, output), options);
    await output.show(resultOf(result), () => showScore(result));
    if (result.failure !== undefined) throw result.failure;
  });
}

function resultOf({
  tested,
  databases,
  notHeld,
  milliseconds,
  failure,
}: SelfTestResult): Extract<Result, { kind: "self-test" }> {
  return {
    kind: "self-test",
    holds: failure === undefined,
    databases: databases.map((one) => ({
      ...one,
      results: tested
        .filter(({ company }) => company === one.database)
        .flatMap(({ results }) => results)
        .map(({ mutant, caught }) => ({
          mutant: mutant.name,
          leak: mutant.leak,
          audit: caught.audit ?? [],
          proof: caught.proof ?? [],
          drift: caught.drift ?? [],
        })),
    })),
    notHeld,
    milliseconds,
  };
}

function showScore(result: SelfTestResult): string {
  const rows = result.ways.map((way) => [
    way.name,
    way.leak,
    ...layerNames.map((layer) => cellOf(way, layer)),
  ]);
  const pc = colorsFor(process.stdout);
  const table = formatTable(["the fence, broken", "leak", ...layerNames], rows);
  const scores = result.databases.flatMap(
    ({ database, whole, mutants: all, caughtBy, survivors }) => {
      const shares = layerNames.map((layer) => `${layer} ${caughtBy[layer]}`).join(", ");
      const seen = all - survivors.length;
      return [
        `${pc.bold(database)}: ${seen} of ${all} noticed: ${shares}; the whole fence: ${whole.length} findings`,
        ...survivors.map((name) => `  ${pc.red("✘")} not noticed: ${name}`),
        ...whole.map((finding) => `  ${pc.red("✘")} of the whole fence: ${finding}`),
      ];
    },
  );
  const without = result.notHeld.map(({ leak, why }) => `  ${leakTitles[leak]}: ${why}`);
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

/** A tick where it was noticed on every database that has it, and else on which. */
function cellOf({ noticed, databases }: BrokenWay, layer: (typeof layerNames)[number]): string {
  const on = noticed[layer];
  if (on.length === 0) return "·";
  return on.length === databases ? "✔" : `✔ ${on.join(", ")}`;
}
