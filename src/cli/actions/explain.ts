import { closest, distance } from "fastest-levenshtein";
import { AppError } from "../../errors.ts";
import { explain, readTopics, type Topic, topicKinds } from "../../operations/explain.ts";
import { colorsFor } from "../../report/terminal/colors.ts";
import { wrapped } from "../../report/terminal/wrap.ts";
import type { GlobalOptions } from "../options.ts";
import { showResult } from "../terminal/output.ts";

export type ExplainOptions = GlobalOptions & {
  /** What is to be explained; nothing lists what can be. */
  readonly word?: string | undefined;
};

/** `tenantry explain`: a stage, step, error, SQLSTATE, check or rule in words. Needs no database. */
export function explainCommand(options: ExplainOptions): void {
  const topics = readTopics();
  const columns = process.stdout.columns ?? 100;
  const { word } = options;
  if (word === undefined) {
    showResult(options, { kind: "explanation", topics }, () => showNames(topics, columns));
    return;
  }
  const found = explain(word, topics);
  if (found.length === 0) throw unknownWord(word, topics);
  showResult(options, { kind: "explanation", topics: found }, () =>
    found.map((topic) => showTopic(topic, columns)).join("\n"),
  );
}

function showTopic({ topic, name, facts }: Topic, columns: number): string {
  const pc = colorsFor(process.stdout);
  const lines = facts.map(
    ({ label, text }) => `  ${pc.dim(label)}\n${wrapped(text, columns, "    ")}`,
  );
  return `${pc.bold(name)}  ${topic}\n${lines.join("\n")}\n`;
}

function showNames(topics: readonly Topic[], columns: number): string {
  const pc = colorsFor(process.stdout);
  const lists = topicKinds.map((kind) => {
    const names = topics.filter(({ topic }) => topic === kind).map(({ name }) => name);
    return `${pc.bold(kind)}\n${wrapped(names.join(" "), columns, "  ")}\n`;
  });
  return `${lists.join("")}\ntenantry explain <name> explains one of them\n`;
}

function unknownWord(word: string, topics: readonly Topic[]): AppError {
  const compared = (word.split("/").at(-1) ?? word).toLowerCase();
  const near = closest(
    compared,
    topics.map(({ name }) => name.toLowerCase()),
  );
  const close = distance(compared, near) <= Math.max(2, compared.length / 3);
  return new AppError({
    code: "USAGE",
    object: word,
    fault: "is no stage, step, error, SQLSTATE, check or rule of Tenantry's",
    state: "nothing was changed",
    next: close
      ? `did you mean tenantry explain ${near}?`
      : "tenantry explain lists what can be explained",
  });
}
