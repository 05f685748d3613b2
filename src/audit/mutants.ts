import type { Queries, Session } from "../postgres/connection.ts";
import { audit } from "./audit.ts";
import type { BrokenFence, Finding, Mutant, Rule } from "./rule.ts";

export type MutantResult = {
  readonly rule: string;
  readonly mutant: string;
  /** What the rule said that it had not said of the fence when it was whole. */
  readonly caught: readonly Finding[];
};

class Undo extends Error {}

/**
 * Breaks the fence in every way that the rules know, one at a time, and asks all rules what they see.
 * Each is broken in a transaction that is rolled back.
 */
export async function tryMutants(
  session: Session,
  fence: BrokenFence,
  rules: readonly Rule[],
): Promise<MutantResult[]> {
  const whole = await inUndone(session, (queries) => audit(queries, fence, rules));
  const before = new Set(whole.map(keyOf));
  const results: MutantResult[] = [];
  for (const rule of rules) {
    for (const mutant of rule.mutants) {
      if (!appliesTo(mutant, fence)) continue;
      const found = await inUndone(session, (queries) => broken(queries, fence, mutant, rules));
      const caught = found.filter((finding) => !before.has(keyOf(finding)));
      results.push({ rule: rule.id, mutant: mutant.name, caught });
    }
  }
  return results;
}

function appliesTo(mutant: Mutant, { serverVersion }: BrokenFence): boolean {
  return mutant.kind === "pretence" || serverVersion >= (mutant.since ?? 0) * 10_000;
}

async function broken(
  queries: Queries,
  fence: BrokenFence,
  mutant: Mutant,
  rules: readonly Rule[],
): Promise<Finding[]> {
  switch (mutant.kind) {
    case "damage":
      for (const statement of mutant.damage(fence)) await queries.execute(statement);
      return audit(queries, fence, rules);
    case "pretence":
      return audit(queries, mutant.pretends(fence), rules);
    default:
      return mutant satisfies never;
  }
}

async function inUndone(
  session: Session,
  work: (queries: Queries) => Promise<Finding[]>,
): Promise<Finding[]> {
  let found: Finding[] | undefined;
  try {
    await session.transaction(async (queries) => {
      found = await work(queries);
      throw new Undo();
    });
  } catch (error) {
    if (!(error instanceof Undo)) throw error;
  }
  if (found === undefined) throw new Error("the transaction ended without its work");
  return found;
}

function keyOf({ rule, object, fact }: Finding): string {
  return JSON.stringify([rule, object, fact]);
}
