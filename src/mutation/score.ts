import { type Leak, leakNames, notHeld } from "../audit/leaks.ts";
import {
  type LayerName,
  layerNames,
  type MutantResult,
  type MutationResults,
} from "../audit/mutants.ts";

/** How many mutants each layer caught, of how many; and those that no layer caught. */
export type Score = {
  readonly mutants: number;
  readonly caughtBy: Readonly<Record<LayerName, number>>;
  readonly survivors: readonly string[];
};

/** Counts the mutants that each layer caught. */
export function scoreOf({ results }: MutationResults): Score {
  const caughtBy = { audit: 0, proof: 0, drift: 0 };
  for (const result of results) {
    for (const name of layerNames) if (isCaughtBy(result, name)) caughtBy[name] += 1;
  }
  const survivors = results
    .filter((result) => !layerNames.some((name) => isCaughtBy(result, name)))
    .map(({ mutant }) => mutant.name);
  return { mutants: results.length, caughtBy, survivors };
}

export function isCaughtBy({ caught }: MutantResult, layer: LayerName): boolean {
  return (caught[layer] ?? []).length > 0;
}

/** The findings of any layer in the unbroken fence. */
export function findingsOfTheWhole({ whole }: MutationResults): readonly string[] {
  return layerNames.flatMap((name) => whole[name] ?? []);
}

/** The leaks that no mutant opens, with the reason where there is one. */
export function leaksWithoutMutant(
  held: readonly Leak[],
): readonly { readonly leak: Leak; readonly why: string }[] {
  return leakNames
    .filter((leak) => !held.includes(leak))
    .map((leak) => ({ leak, why: notHeld[leak] ?? "no mutant opens it" }));
}
