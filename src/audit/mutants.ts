import type { Queries, Session } from "../postgres/connection.ts";
import { nestedSession } from "../postgres/nested-session.ts";
import type { AuditContext, BrokenFence, Mutant } from "./rule.ts";

/** Who looks at a fence: the rules, the proof that tries it, the comparison with the journal. */
export const layerNames = ["audit", "proof", "drift"] as const;
export type LayerName = (typeof layerNames)[number];

export type Layer = {
  readonly name: LayerName;
  /** What it says of the fence as it is now, a line each; the same line for the same fault. */
  readonly findings: (session: Session, context: AuditContext) => Promise<readonly string[]>;
};

export type Caught = Partial<Readonly<Record<LayerName, readonly string[]>>>;

export type MutantResult = {
  readonly mutant: Mutant;
  /** What each layer said that it had not said of the fence when it was whole. */
  readonly caught: Caught;
};

export type MutationResults = {
  /** What each layer says of the whole fence. */
  readonly whole: Caught;
  readonly results: readonly MutantResult[];
};

class Undo extends Error {}

/**
 * Breaks the fence by each mutant, one at a time, and asks the layers what they see. Each is broken
 * in a transaction that is rolled back.
 * @param tell of each result, as soon as it is there
 */
export async function tryMutants(
  session: Session,
  fence: BrokenFence,
  mutants: readonly Mutant[],
  layers: readonly Layer[],
  tell: (result: MutantResult) => void = () => undefined,
): Promise<MutationResults> {
  const whole = await thenFixed(session, (queries) => ask(session, queries, fence, layers));
  const results: MutantResult[] = [];
  for (const mutant of mutants) {
    if (!appliesTo(mutant, fence)) continue;
    const found = await thenFixed(session, async (queries) => {
      const context = await broken(queries, fence, mutant);
      return ask(session, queries, context, layers);
    });
    const result = { mutant, caught: beyond(whole, found) };
    results.push(result);
    tell(result);
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

/** Does the damage. @returns the context to ask in */
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

/** Asks each layer in a savepoint of its own: none meets what another has set or left. */
async function ask(
  session: Session,
  queries: Queries,
  context: AuditContext,
  layers: readonly Layer[],
): Promise<Caught> {
  const nested = nestedSession(session, queries);
  const found: Partial<Record<LayerName, readonly string[]>> = {};
  for (const { name, findings } of layers) {
    found[name] = await thenFixed(nested, (inner) =>
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

async function thenFixed<Result>(
  session: Session,
  work: (queries: Queries) => Promise<Result>,
): Promise<Result> {
  let done: { readonly result: Result } | undefined;
  try {
    await session.transaction(async (queries) => {
      done = { result: await work(queries) };
      throw new Undo();
    });
  } catch (error) {
    if (!(error instanceof Undo)) throw error;
  }
  if (done === undefined) throw new Error("the transaction ended without its work");
  return done.result;
}
