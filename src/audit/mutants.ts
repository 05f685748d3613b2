import type { Queries, Session } from "../postgres/connection.ts";
import { nestedSession } from "../postgres/nested-session.ts";
import { rolledBack } from "../postgres/rolled-back.ts";
import type { AuditContext, BrokenFence, Mutant } from "./rule.ts";

/** The three checks of a fence: the audit's rules, the proof, and the comparison with the journal. */
export const layerNames = ["audit", "proof", "drift"] as const;
export type LayerName = (typeof layerNames)[number];

export type Layer = {
  readonly name: LayerName;
  /** What it finds in the fence as it is now, one line for each fault; the same fault gives the same line. */
  readonly findings: (session: Session, context: AuditContext) => Promise<readonly string[]>;
};

export type Caught = Partial<Readonly<Record<LayerName, readonly string[]>>>;

export type MutantResult = {
  readonly mutant: Mutant;
  /** What each layer finds that it did not find before the fence was broken. */
  readonly caught: Caught;
};

export type MutationResults = {
  /** What each layer finds in the fence before it is broken. */
  readonly whole: Caught;
  readonly results: readonly MutantResult[];
};

/** What is broken, and who looks at it. */
export type MutationTest = {
  readonly mutants: readonly Mutant[];
  readonly layers: readonly Layer[];
  /** Called with each result as soon as it is known. */
  readonly onResult?: (result: MutantResult) => void;
};

/**
 * Breaks the fence by each mutant, one at a time, and asks each layer what it finds. Each mutant is
 * applied in a transaction that is rolled back.
 */
export async function tryMutants(
  session: Session,
  fence: BrokenFence,
  { mutants, layers, onResult }: MutationTest,
): Promise<MutationResults> {
  const whole = await rolledBack(session, (queries) => ask(session, queries, fence, layers));
  const results: MutantResult[] = [];
  for (const mutant of mutants) {
    if (!appliesTo(mutant, fence)) continue;
    const found = await rolledBack(session, async (queries) => {
      const context = await broken(queries, fence, mutant);
      return ask(session, queries, context, layers);
    });
    const result = { mutant, caught: beyond(whole, found) };
    results.push(result);
    onResult?.(result);
  }
  return { whole, results };
}

function appliesTo(mutant: Mutant, { serverVersion, identity }: BrokenFence): boolean {
  if (mutant.kind === "pretence") return true;
  return (
    serverVersion >= (mutant.since ?? 0) * 10_000 &&
    (mutant.identity === undefined || mutant.identity === identity)
  );
}

/** Applies a mutant. @returns the context for the layers */
async function broken(queries: Queries, fence: BrokenFence, mutant: Mutant): Promise<AuditContext> {
  switch (mutant.kind) {
    case "damage":
      for (const statement of mutant.damage(fence)) await queries.execute(statement);
      return fence;
    case "pretence":
      return mutant.pretends(fence);
    default:
      return mutant satisfies never;
  }
}

/** Asks each layer in its own savepoint, so that none sees what another has set. */
async function ask(
  session: Session,
  queries: Queries,
  context: AuditContext,
  layers: readonly Layer[],
): Promise<Caught> {
  const nested = nestedSession(session, queries);
  const found: Partial<Record<LayerName, readonly string[]>> = {};
  for (const { name, findings } of layers) {
    found[name] = await rolledBack(nested, (inner) =>
      findings(nestedSession(session, inner), context),
    );
  }
  return found;
}

function beyond(whole: Caught, found: Caught): Caught {
  const left: Partial<Record<LayerName, readonly string[]>> = {};
  for (const name of layerNames) {
    const before = new Set(whole[name]);
    const now = found[name];
    if (now !== undefined) left[name] = now.filter((finding) => !before.has(finding));
  }
  return left;
}
