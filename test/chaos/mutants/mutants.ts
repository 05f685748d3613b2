import type { FaultKind } from "../faults.ts";
import type { Edit } from "./patch.ts";

/** Where a mutant is tried first: a command, a fault, and the statements that it strikes at. */
export type Meeting = {
  readonly scenario: string;
  readonly fault: FaultKind;
  readonly at: RegExp;
};

/** One fault of the engine itself. */
export type Mutant = {
  readonly name: string;
  readonly edits: readonly Edit[];
  readonly meetings: readonly Meeting[];
};

function meet(scenario: string, fault: FaultKind, at: RegExp): Meeting {
  return { scenario, fault, at };
}

const steps = /UPDATE tenantry\.step SET state = '(applied|undone)'|^COMMIT/;
const stepWrites = /^(ALTER TABLE|CREATE POLICY|DROP)/;

/** The journal: what was done is not what is written down. */
const ofTheJournal: readonly Mutant[] = [
  {
    name: "a step's row is written after its transaction",
    edits: [
      {
        find: "await markApplied(queries, key);\n\t\tawait queries.execute(sql`SELECT set_config(",
        replace: "await queries.execute(sql`SELECT set_config(",
      },
    ],
    meetings: [meet("run day1", "kill", /^COMMIT/)],
  },
  {
    name: "a step's row is committed before its statements",
    edits: [
      {
        find: "await markApplied(queries, key);\n\t\tawait queries.execute(sql`SELECT set_config(",
        replace:
          "await markApplied(context.observer, key);\n\t\tawait queries.execute(sql`SELECT set_config(",
      },
    ],
    meetings: [meet("run day1", "kill", stepWrites)],
  },
  {
    name: "a step that was undone keeps its row",
    edits: [
      {
        find: "SET state = 'undone',\n           undone_at = clock",
        replace: "SET undone_at = clock",
      },
    ],
    meetings: [meet("rollback day1", "kill", steps)],
  },
  {
    name: "an undone step's row is committed before its inverse",
    edits: [
      { find: "await markUndone(queries, {", replace: "await markUndone(context.observer, {" },
    ],
    meetings: [meet("rollback day1", "kill", /^(DROP (TABLE|SCHEMA)|ALTER TABLE .* DROP COLUMN)/)],
  },
  {
    name: "a running step is skipped by a rollback",
    edits: [
      {
        find: '.filter(({ state }) => state === "applied" || state === "running");\n\tawait readFingerprintBefore',
        replace: '.filter(({ state }) => state === "applied");\n\tawait readFingerprintBefore',
      },
    ],
    meetings: [meet("rollback stopped", "kill", /^COMMIT/)],
  },
  {
    name: "a run is rolled back, and its state stays",
    edits: [
      {
        find: 'await setRunState(queries, run.id, "rolled back");',
        replace: "",
      },
    ],
    meetings: [meet("rollback day1", "kill", /^COMMIT/)],
  },
  {
    name: "a resumed run takes running steps for applied",
    edits: [
      {
        find: 'const left = journaled.filter(({ state }) => state !== "applied");\n\tconst beside',
        replace:
          'const left = journaled.filter(({ state }) => state === "pending");\n\tconst beside',
      },
    ],
    meetings: [meet("run day1", "kill", /CREATE INDEX CONCURRENTLY|WITH filled/)],
  },
  {
    name: "the lost session's commit counts as made",
    edits: [
      {
        find: 'await run(raw("COMMIT"));',
        replace: 'await run(raw("COMMIT")).catch(() => void 0);',
      },
    ],
    meetings: [meet("rollback day1", "end all sessions", /^COMMIT/)],
  },
  {
    name: "no statement is in a transaction",
    edits: [
      {
        find: "async function inTransaction(run, mode, local, work) {",
        replace:
          "async function inTransaction(run, mode, local, work) {\n\tif (local !== void 0) return work();",
      },
    ],
    meetings: [meet("run day1", "kill", stepWrites)],
  },
];

/** The backfill's cursor and its batches. */
const ofTheBackfill: readonly Mutant[] = [
  {
    name: "the cursor runs ahead of the rows",
    edits: [
      {
        find: `SET next_page = greatest(next_page, \${nextPage}),`,
        replace: `SET next_page = greatest(next_page, \${nextPage} + 1000),`,
      },
    ],
    meetings: [meet("run day1", "kill", /^WITH filled/)],
  },
  {
    name: "the cursor is kept, and rows of the last range are not written",
    edits: [
      {
        find: "to: Math.min(this.#next + pages, this.#total)",
        replace: "to: Math.min(this.#next + pages, this.#total - 1)",
      },
    ],
    meetings: [meet("run day1", "kill", /^WITH filled/)],
  },
  {
    name: "a resumed backfill begins behind the last page",
    edits: [
      {
        find: "let page = journaled.fileNode === file.fileNode ? journaled.nextPage : 0;",
        replace: 'let page = journaled.state === "running" ? file.totalPages : 0;',
      },
    ],
    meetings: [meet("run day1", "kill", /^WITH filled/)],
  },
  {
    name: "a child does not wait for its parent",
    edits: [
      {
        find: "await Promise.all(after.map((lane) => ended.get(lane)));\n",
        replace: "\n",
      },
    ],
    meetings: [meet("run day1", "hold locks", /^(ALTER TABLE|WITH filled)/)],
  },
];

/** The lease: who may write. */
const ofTheLease: readonly Mutant[] = [
  {
    name: "the lease is taken while another holds it",
    edits: [{ find: "if (lease.held) return {", replace: "if (false) return {" }],
    meetings: [
      meet("rollback day1", "second command", steps),
      meet("run day1", "second command", steps),
    ],
  },
  {
    name: "a lease is taken over under the old token",
    edits: [{ find: "const taken = lease.token + 1;", replace: "const taken = lease.token;" }],
    meetings: [meet("rollback day1", "pause", /^SELECT to_regclass/)],
  },
  {
    name: "a step does not ask for the lease",
    edits: [
      {
        find: "z.object({ token: z.coerce.number() }))).length === 0) throw leaseLost();",
        replace: "z.object({ token: z.coerce.number() }))).length === 0) return;",
      },
      {
        find: "if (!await renewOnce(session, token)) return lose();",
        replace: "await renewOnce(session, token);",
      },
    ],
    meetings: [meet("rollback day1", "pause", /^SELECT to_regclass/)],
  },
  {
    name: "the lease is not given back",
    edits: [
      {
        find: "await releaseOnAnyConnection(session, token);",
        replace: "void releaseOnAnyConnection;",
      },
    ],
    meetings: [meet("run day1", "kill", /^COMMIT/)],
  },
  {
    name: "a sleeping holder keeps its transaction open",
    edits: [
      {
        find: "async function setIdleTimeout(queries) {",
        replace: "async function setIdleTimeout(queries) {\n\treturn;",
      },
    ],
    meetings: [meet("run day1", "pause", stepWrites)],
  },
];

/** What is undone, and what is skipped. */
const ofTheRollback: readonly Mutant[] = [
  {
    name: "an inverse forgets its last statement",
    edits: [
      {
        find: "for (const statement of statements) {\n\t\t\tconst skipped",
        replace:
          "for (const statement of statements.slice(0, Math.max(1, statements.length - 1))) {\n\t\t\tconst skipped",
      },
    ],
    meetings: [meet("rollback day1", "kill", /^COMMIT/), meet("rollback all", "kill", /^COMMIT/)],
  },
  {
    name: "every error of an inverse is skipped",
    edits: [
      {
        find: 'if (isUndefinedObject(error)) return "undefined object";\n\treturn violation',
        replace: 'if (error) return "undefined object";\n\treturn violation',
      },
    ],
    meetings: [meet("rollback day1", "hold locks", /^(ALTER TABLE|DROP)/)],
  },
  {
    name: "a rollback goes on behind a step that failed",
    edits: [
      {
        find: "await umzugOf(context, steps).down({ to: 0 });",
        replace: "await umzugOf(context, steps).down({ to: 0 }).catch(() => void 0);",
      },
    ],
    meetings: [meet("rollback day1", "cancel a statement", /^(ALTER TABLE|DROP)/)],
  },
  {
    name: "steps are undone in the order of the plan",
    edits: [
      {
        find: "down: () => undo(context, definition, () => read(position))\n\t\t}))",
        replace: "down: () => undo(context, definition, () => read(position))\n\t\t})).reverse()",
      },
    ],
    meetings: [meet("rollback day1", "kill", /^COMMIT/)],
  },
  {
    name: "a failed stage is left as it is, and said to be rolled back",
    edits: [
      {
        find: "differences = await rollBack(writing, under);",
        replace: "differences = [];",
      },
    ],
    meetings: [meet("run day1", "cancel a statement", /^ALTER TABLE/)],
  },
];

/** Statements outside of transactions, retries and the network. */
const ofTheServer: readonly Mutant[] = [
  {
    name: "a broken index counts as built",
    edits: [
      {
        find: "await session.execute(clean);\n\t\t\t\tbreak;",
        replace: "return;",
      },
    ],
    meetings: [meet("run day1", "cancel a statement", /^CREATE INDEX CONCURRENTLY/)],
  },
  {
    name: "an index is journaled and not built",
    edits: [
      {
        find: "await withLockRetry(context, step, () => build(context, step, step));",
        replace: "",
      },
    ],
    meetings: [meet("run day1", "kill", /^COMMIT/)],
  },
  {
    name: "a step is carried out twice where it is retried",
    edits: [
      {
        find: "return await work();\n\t\t\t} finally {\n\t\t\t\tawait watch.stop();",
        replace:
          "await work();\n\t\t\t\treturn await work();\n\t\t\t} finally {\n\t\t\t\tawait watch.stop();",
      },
    ],
    meetings: [meet("run day1", "kill", /^COMMIT/)],
  },
  {
    name: "a lock that is not granted fails the step",
    edits: [
      {
        find: "shouldRetry: ({ error }) => isLockConflict(error) && patient(),",
        replace: "shouldRetry: () => false,",
      },
    ],
    meetings: [meet("run day1", "hold locks", /^(ALTER TABLE|SELECT set_config)/)],
  },
  {
    name: "a step waits for locks without an end",
    edits: [
      {
        find: `await queries.execute(sql\`SELECT set_config('lock_timeout', \${String(online.lockTimeoutInMilliseconds)}, TRUE)\`);\n\t\tfor (const statement of step.up)`,
        replace: "for (const statement of step.up)",
      },
    ],
    meetings: [meet("run day1", "long reader", /^ALTER TABLE/)],
  },
  {
    name: "a lost connection undoes the stage",
    edits: [
      {
        find: '"CONNECTION_FAILED",\n\t"CONNECTION_LOST",\n\t"LEASE_LOST",',
        replace: '"LEASE_LOST",',
      },
    ],
    meetings: [meet("run day1", "end a session", /^(ALTER TABLE|WITH filled|COMMIT)/)],
  },
  {
    name: "sessions are not closed when a command fails",
    edits: [
      {
        find: 'await Promise.all(settled.map((one) => one.status === "fulfilled" ? one.value.close() : void 0));',
        replace: "void settled;",
      },
    ],
    meetings: [meet("run day1", "end a session", /^COMMIT/)],
  },
];

/** Backups and restores. */
const ofTheBackup: readonly Mutant[] = [
  {
    name: "what a killed restore left is restored into",
    edits: [
      {
        find: "if (await exists(session, restored)) {\n\t\tconst text",
        replace: "if (false) {\n\t\tconst text",
      },
    ],
    meetings: [meet("restore into", "kill", /./)],
  },
  {
    name: "an unfinished backup is not removed when it fails",
    edits: [
      {
        find: "await rm(partial, {\n\t\t\trecursive: true,\n\t\t\tforce: true\n\t\t});",
        replace: "void partial;",
      },
    ],
    meetings: [meet("backup", "fill the disk", /./), meet("backup", "end all sessions", /./)],
  },
];

/** Every mutant of the engine. */
export const mutants: readonly Mutant[] = [
  ...ofTheJournal,
  ...ofTheBackfill,
  ...ofTheLease,
  ...ofTheRollback,
  ...ofTheServer,
  ...ofTheBackup,
];
