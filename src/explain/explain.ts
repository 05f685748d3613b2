import { rules } from "../audit/rules/index.ts";
import { checks } from "../check/index.ts";
import { errorCodes } from "../errors.ts";
import { sqlStates } from "../postgres/sql-states.ts";
import type { Stage } from "../steps/model/stage.ts";
import { errorExplanations } from "./error-codes.ts";
import { stepExplanations } from "./steps.ts";

export const topicKinds = ["stage", "step", "error", "SQLSTATE", "check", "rule"] as const;

/** A name that Tenantry shows, with its explanation. */
export type Topic = {
  readonly topic: (typeof topicKinds)[number];
  readonly name: string;
  /** Labelled sentences, in the order in which they are read. */
  readonly facts: readonly { readonly label: string; readonly text: string }[];
};

/** Every name that Tenantry shows and can explain. */
export function allTopics(stages: readonly Stage[]): readonly Topic[] {
  return [
    ...stages.map(({ name, title }) =>
      topic("stage", name, {
        is: title,
        steps: `tenantry plan --stage ${name} shows every step with its lock`,
        undone: `tenantry rollback --stage ${name}`,
      }),
    ),
    ...Object.entries(stepExplanations).map(([name, { does, lock, killed, undone }]) =>
      topic("step", name, { does, lock, "left by a kill": killed, undone }),
    ),
    ...Object.entries(errorExplanations).map(([name, { means, state, next }]) =>
      topic("error", name, { means, state, next, "exit code": String(exitCodeOf(name)) }),
    ),
    ...Object.entries(sqlStates).map(([name, { condition, means, next }]) =>
      topic("SQLSTATE", name, { condition, means, next }),
    ),
    ...checks.map(({ id, title, why, stops }) =>
      topic("check", id, {
        checks: title,
        why,
        stops: stops.map((command) => `tenantry ${command}`).join(", ") || "no command",
      }),
    ),
    ...rules.map(({ id, title, why, severity, source }) =>
      topic("rule", id, { finds: title, severity, "why it leaks": why, source }),
    ),
  ];
}

/**
 * The explanations of a word: a step's whole identifier (`day1/leads/backfill`), an error code, a
 * SQLSTATE, a check, a rule of the audit. A word can have several; an unknown word has none.
 */
export function explain(word: string, topics: readonly Topic[]): readonly Topic[] {
  const exact = named(word, topics);
  if (exact.length > 0) return exact;
  if (/^[0-9A-Z]{5}$/i.test(word)) return named(longestBeginning(word, topics), topics);
  const last = word.split("/").at(-1) ?? word;
  return named(last, topics).filter(({ topic: kind }) => kind === "step");
}

function named(word: string, topics: readonly Topic[]): readonly Topic[] {
  return topics.filter(({ name }) => name.toLowerCase() === word.toLowerCase());
}

/** The class of a SQLSTATE that has no text of its own. */
function longestBeginning(word: string, topics: readonly Topic[]): string {
  const beginnings = topics
    .filter(({ topic: kind, name }) => kind === "SQLSTATE" && word.toUpperCase().startsWith(name))
    .map(({ name }) => name);
  return beginnings.sort((left, right) => right.length - left.length)[0] ?? word;
}

function topic(kind: Topic["topic"], name: string, facts: Readonly<Record<string, string>>): Topic {
  return {
    topic: kind,
    name,
    facts: Object.entries(facts).map(([label, text]) => ({ label, text })),
  };
}

/** INTERNAL has no exit code of its own: it is 1, as for every other failure. */
function exitCodeOf(code: string): number {
  const known: Readonly<Record<string, number>> = errorCodes;
  return known[code] ?? 1;
}
