import { z } from "zod";
import { messageOf } from "../../errors.ts";
import {
  isLockConflict,
  type Queries,
  type RefusalSource,
  refusalSource,
  sqlState,
} from "../../postgres/connection.ts";
import { ident, literal, type Sql, sql, together } from "../../postgres/sql.ts";
import { silenceTriggers } from "../../steps/table/backfill.ts";
import { beginningAs, endingAs, type Request } from "./request.ts";

/** The outcome of a statement that may be refused; a refused one leaves the transaction as it was. */
export type Attempt = { readonly kind: "done"; readonly rows: number } | Refused;

export type Refused = RefusalSource & {
  readonly kind: "refused";
  readonly sqlState: string;
  readonly message: string;
};

/**
 * Tries a statement within a savepoint, as this session's role or as a request. A lock conflict proves
 * nothing: it is thrown, so that the whole attempt is repeated.
 */
export function attempt(queries: Queries, statement: Sql, as?: Request): Promise<Attempt> {
  return inSavepoint(queries, executed(queries, statement), as);
}

/** The outcome of a query that may be refused. */
export type AttemptedRows<Row extends z.ZodType> =
  | Refused
  | { readonly kind: "done"; readonly rows: readonly z.output<Row>[] };

/** The same for a query, with its rows. */
export function attemptRows<Row extends z.ZodType>(
  queries: Queries,
  statement: Sql,
  row: Row,
  as?: Request,
): Promise<AttemptedRows<Row>> {
  return inSavepoint(queries, readRows(queries, statement, row), as);
}

/** The same for several queries that only read, all within one savepoint. */
export async function attemptRowsOfEach<Row extends z.ZodType>(
  queries: Queries,
  statements: readonly Sql[],
  row: Row,
): Promise<readonly AttemptedRows<Row>[]> {
  const all: AttemptedRows<Row>[] = [];
  await queries.execute(savepoint);
  for (const statement of statements)
    all.push(await orRefused(queries, readRows(queries, statement, row)));
  await queries.execute(sql`RELEASE SAVEPOINT attempt`);
  return all;
}

/** A statement that is tried and undone. */
export type Try = {
  /** As whom; this session's own role, where none is named. */
  readonly as?: Request;
  /** Settings that this session's own role makes before, for this statement only. */
  readonly settings?: readonly (readonly [name: string, value: string])[];
  readonly statement: Sql;
  /** Whether the first column of its first row is wanted. */
  readonly answers?: boolean;
  /** A query of one text, asked in this session's own role before the statement is undone. */
  readonly look?: Sql;
};

/** What a statement did, or why it was refused. */
export type Tries =
  | Refused
  | {
      readonly kind: "done";
      readonly rows: number;
      readonly answer: string | null;
      /** What was seen before it was undone. */
      readonly seen: string | null;
    };

/** The same for one statement of `attemptAll` alone: it takes more round trips, and tells what a policy refused. */
export async function attemptAlone(
  queries: Queries,
  { as, settings = [], statement, answers = false, look }: Try,
): Promise<Tries> {
  const before = settings.map(([name, value]) => sql`SET LOCAL ${ident(name)} = ${literal(value)}`);
  const begin = as === undefined ? [] : beginningAs(as);
  await queries.execute(together([savepoint, ...before, ...begin]));
  const tried = await orRefused(queries, async () => {
    const read = answers ? await queries.rows(statement, z.record(z.string(), z.unknown())) : [];
    const rows = answers ? read.length : await queries.execute(statement);
    const [answer = null] = Object.values(read[0] ?? {});
    return { kind: "done" as const, rows, answer: answer === null ? null : asText(answer) };
  });
  if (tried.kind === "refused") return tried;
  await queries.execute(together(as === undefined ? [sql`RESET ROLE`] : endingAs(as)));
  const [row] =
    look === undefined
      ? []
      : await queries.rows(
          sql`SELECT (${look})::text AS seen`,
          z.object({ seen: z.string().nullable() }),
        );
  await queries.execute(rollback);
  return { ...tried, seen: row?.seen ?? null };
}

/** Runs a statement as a request, looks at its effects in this session's own role, and undoes it. */
export async function attemptThenUndo<Seen>(
  queries: Queries,
  statement: Sql,
  as: Request,
  look: () => Promise<Seen>,
): Promise<{ readonly outcome: Attempt; readonly seen: Seen }> {
  await queries.execute(together([savepoint, ...beginningAs(as)]));
  const outcome = await orRefused(queries, executed(queries, statement));
  if (outcome.kind === "done") await queries.execute(together(endingAs(as)));
  const seen = await look();
  await queries.execute(rollback);
  return { outcome, seen };
}

/** As PostgreSQL writes it: the driver reads JSON, numbers and booleans. */
function asText(answer: unknown): string {
  return typeof answer === "string" ? answer : JSON.stringify(answer);
}

const savepoint = sql`SAVEPOINT attempt`;
const rollback = sql`ROLLBACK TO SAVEPOINT attempt`;

const executed = (queries: Queries, statement: Sql) => async () => ({
  kind: "done" as const,
  rows: await queries.execute(statement),
});

const readRows =
  <Row extends z.ZodType>(queries: Queries, statement: Sql, row: Row) =>
  async () => ({
    kind: "done" as const,
    rows: await queries.rows(statement, row),
  });

async function inSavepoint<Done extends { readonly kind: "done" }>(
  queries: Queries,
  work: () => Promise<Done>,
  as: Request | undefined,
): Promise<Done | Refused> {
  const [begin, end] = as === undefined ? [[], []] : [beginningAs(as), endingAs(as)];
  await queries.execute(together([savepoint, ...begin]));
  const outcome = await orRefused(queries, work);
  if (outcome.kind === "done")
    await queries.execute(together([...end, sql`RELEASE SAVEPOINT attempt`]));
  return outcome;
}

/** Does work in the savepoint; where it is refused, all since then is undone, the change of role too. */
async function orRefused<Done>(
  queries: Queries,
  work: () => Promise<Done>,
): Promise<Done | Refused> {
  try {
    return await work();
  } catch (error) {
    const state = sqlState(error);
    if (state === undefined || isLockConflict(error)) throw error;
    await queries.execute(rollback);
    return {
      kind: "refused",
      sqlState: state,
      message: messageOf(error),
      ...refusalSource(error),
    };
  }
}

/**
 * Does work without the application's triggers and rules, where this role may set session_replication_role;
 * otherwise they fire. Row-level security applies either way.
 */
export async function withoutTriggers<Result>(
  queries: Queries,
  work: (silenced: boolean) => Promise<Result>,
): Promise<Result> {
  const { kind } = await attempt(queries, silenceTriggers);
  const result = await work(kind === "done");
  if (kind === "done") await queries.execute(sql`SET LOCAL session_replication_role TO DEFAULT`);
  return result;
}
