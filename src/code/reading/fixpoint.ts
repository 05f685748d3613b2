/** What a rule can do: give an answer, and use the answers of other questions. */
export type FixpointScope<Question, Answer> = {
  readonly say: (answer: Answer) => void;
  /** Calls back once for each answer of another question, also for answers that are found later. */
  readonly each: (question: Question, then: (answer: Answer) => void) => void;
};

type Table<Answer> = {
  readonly answers: Set<Answer>;
  listeners: ((answer: Answer) => void)[];
};

/**
 * Answers questions that depend on the answers of other questions, also in circles (tabling). Each question
 * has one table of answers. Each new answer is passed once to every question that waits for it, until there
 * are no new answers: the result is the least fixpoint and does not depend on the order of the questions. A
 * returned table is complete.
 */
export function leastFixpoint<Question extends object, Answer>(
  rule: (question: Question, ask: FixpointScope<Question, Answer>) => void,
): (question: Question) => ReadonlySet<Answer> {
  const tables = new Map<Question, Table<Answer>>();
  const waiting: (() => void)[] = [];
  const begun: Table<Answer>[] = [];

  const tableOf = (question: Question): Table<Answer> => {
    const known = tables.get(question);
    if (known !== undefined) return known;
    const table: Table<Answer> = { answers: new Set(), listeners: [] };
    tables.set(question, table);
    begun.push(table);
    const say = (answer: Answer): void => {
      if (table.answers.has(answer)) return;
      table.answers.add(answer);
      for (const then of table.listeners) waiting.push(() => then(answer));
    };
    waiting.push(() => rule(question, { say, each }));
    return table;
  };
  const each: FixpointScope<Question, Answer>["each"] = (question, then) => {
    const { answers, listeners } = tableOf(question);
    listeners.push(then);
    for (const answer of answers) waiting.push(() => then(answer));
  };

  return (question) => {
    const { answers } = tableOf(question);
    for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) step();
    for (const table of begun.splice(0)) table.listeners = [];
    return answers;
  };
}
