import { z } from "zod";
import {
  isConnectionLoss,
  isLockConflict,
  type Queries,
  sqlState,
} from "../../postgres/connection.ts";
import {
  functionBody,
  inlined,
  literal,
  type Sql,
  sql,
  textOf,
  together,
} from "../../postgres/sql.ts";
import { attemptAlone, type Tries, type Try } from "./attempt.ts";

/** No trigger and no rule fires that is not meant for replicas too; row-level security applies. */
export const withoutFiring = [["session_replication_role", "replica"]] as const;

const text = z.string().nullable();
const outcomeSchema = z.array(
  z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("done"), rows: z.number(), answer: text, seen: text }),
    z.object({
      kind: z.literal("refused"),
      sqlState: z.string(),
      message: z.string(),
      schema: z.string(),
      table: z.string(),
      column: z.string(),
      constraint: z.string(),
      inFunction: z.boolean(),
    }),
  ]),
);

/**
 * Tries statements one after the other on the server, in one round trip: each in a subtransaction that is
 * rolled back, so that none sees another's effects. A lock conflict is thrown. Whether a policy refused a
 * statement is not known (`byPolicy`): `attemptAlone` tells it.
 */
export async function attemptAll(
  queries: Queries,
  tries: readonly Try[],
): Promise<readonly Tries[]> {
  const outcomes: Tries[] = [];
  let some: Try[] = [];
  let length = 0;
  for (const one of tries) {
    const own = one.statement.parts.reduce((sum, part) => sum + part.length, 0);
    if (some.length > 0 && (some.length === most || length + own > longest)) {
      outcomes.push(...(await attemptSome(queries, some)));
      [some, length] = [[], 0];
    }
    some.push(one);
    length += own;
  }
  if (some.length > 0) outcomes.push(...(await attemptSome(queries, some)));
  return outcomes;
}

/** So few and so short that statement_timeout, which applies to all of them together, is far away. */
const most = 200;
const longest = 150_000;

const queryCanceled = "57014";

async function attemptSome(queries: Queries, tries: readonly Try[]): Promise<readonly Tries[]> {
  try {
    await queries.execute(together([sql`SAVEPOINT attempts`, blockOf(tries)]));
    const [row] = await queries.rows(
      sql`SELECT current_setting('tenantry.outcomes') AS outcomes`,
      z.object({ outcomes: z.string().transform((json) => outcomeSchema.parse(JSON.parse(json))) }),
    );
    await queries.execute(sql`ROLLBACK TO SAVEPOINT attempts`);
    if (row === undefined) throw new Error("the server returned no outcomes");
    return row.outcomes.map(outcomeOf);
  } catch (error) {
    const state = sqlState(error);
    if (state === undefined || isConnectionLoss(error) || isLockConflict(error)) throw error;
    await queries.execute(sql`ROLLBACK TO SAVEPOINT attempts`);
    if (state !== queryCanceled) throw error;
    // All of them together took too long: the timeout is for each of them now.
    const alone: Tries[] = [];
    for (const one of tries) alone.push(await attemptAlone(queries, one));
    return alone;
  }
}

function outcomeOf(outcome: z.output<typeof outcomeSchema>[number]): Tries {
  if (outcome.kind === "done") return outcome;
  const { schema, table, column, constraint, ...refused } = outcome;
  const named = (name: string) => (name === "" ? undefined : name);
  return {
    ...refused,
    byPolicy: false,
    told: [],
    column: named(column),
    constraint: named(constraint),
    constraintOf: schema === "" || table === "" ? undefined : { schema, name: table },
  };
}

function blockOf(tries: readonly Try[]): Sql {
  const listed = tries.map(({ as, settings = [], statement, answers = false, look }) => ({
    settings: [
      ...settings,
      ...(as === undefined ? [] : as.settings),
      ...(as?.login === undefined ? [] : [["session_authorization", as.login]]),
      ...(as === undefined ? [] : [["role", as.role]]),
    ],
    statement: textOf(inlined(statement)),
    answers,
    look: look === undefined ? null : textOf(inlined(look)),
  }));
  return sql`DO ${functionBody(body(literal(JSON.stringify(listed))))}`;
}

/** An error in the statement itself has the statement as the first line of its context. */
const body = (tries: Sql): Sql => sql`
DECLARE
  tries pg_catalog.jsonb := ${tries};
  one pg_catalog.jsonb;
  setting pg_catalog.jsonb;
  outcomes pg_catalog.jsonb := '[]';
  affected bigint;
  answer text;
  seen text;
  context text;
  refused pg_catalog.jsonb;
  state text; message text; named_schema text; named_table text; named_column text; named_constraint text;
BEGIN
  FOR number IN 0 .. jsonb_array_length(tries) - 1 LOOP
    one := tries -> number;
    answer := NULL;
    seen := NULL;
    BEGIN
      FOR number_of_setting IN 0 .. jsonb_array_length(one -> 'settings') - 1 LOOP
        setting := one -> 'settings' -> number_of_setting;
        PERFORM set_config(setting ->> 0, setting ->> 1, TRUE);
      END LOOP;
      IF (one ->> 'answers')::boolean THEN
        EXECUTE one ->> 'statement' INTO answer;
      ELSE
        EXECUTE one ->> 'statement';
      END IF;
      GET DIAGNOSTICS affected = ROW_COUNT;
      IF one ->> 'look' IS NOT NULL THEN
        RESET ROLE;
        RESET SESSION AUTHORIZATION;
        EXECUTE one ->> 'look' INTO seen;
      END IF;
      RAISE EXCEPTION USING ERRCODE = 'TNTRY';
    EXCEPTION
      WHEN SQLSTATE 'TNTRY' THEN
        outcomes := outcomes || jsonb_build_object('kind', 'done', 'rows', affected, 'answer', answer, 'seen', seen);
      WHEN OTHERS OR assert_failure THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE,
                                message = MESSAGE_TEXT,
                                named_schema = SCHEMA_NAME,
                                named_table = TABLE_NAME,
                                named_column = COLUMN_NAME,
                                named_constraint = CONSTRAINT_NAME,
                                context = PG_EXCEPTION_CONTEXT;
        IF state IN ('55P03', '40P01', '40001') THEN
          RAISE;
        END IF;
        outcomes := outcomes || jsonb_build_object(
          'kind', 'refused', 'sqlState', state, 'message', message, 'schema', named_schema, 'table', named_table,
          'column', named_column, 'constraint', named_constraint,
          'inFunction', strpos(context, one ->> 'statement') NOT BETWEEN 1 AND 40
                        AND strpos(context, E'\n') > 0);
    END;
  END LOOP;
  PERFORM set_config('tenantry.outcomes', outcomes::text, TRUE);
END`;
