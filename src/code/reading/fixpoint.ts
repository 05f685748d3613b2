/** How a question is answered: by what it says itself, and by the answers of others. */
export type FixpointScope<Question, Answer> = {
  readonly say: (answer: Answer) => void;
  /** Calls back once for each answer of another question, those that are found later among them. */
  readonly each: (question: Question, then: (answer: Answer) => void) => void;
};

type Table<Answer> = {
  readonly answers: Set<Answer>;
  listeners: ((answer: Answer) => void)[];
};

/**
 * Answers questions whose answers lead to further questions, in circles too. Each question has one table of
 * answers, and each answer is handed once to each that waits for it, until nothing new is found: what comes
 * out is the least that holds, whichever question was asked first. A table that is given out is complete.
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
