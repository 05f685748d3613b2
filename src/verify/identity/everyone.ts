import { z } from "zod";
import type { ResolvedSettings } from "../../config/settings.ts";
import type { Queries } from "../../postgres/connection.ts";
import {
  functionBody,
  ident,
  list,
  literal,
  raw,
  type Sql,
  sql,
  together,
} from "../../postgres/sql.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";
import { signedInAs } from "../proof/request.ts";
import { type Violation, violation } from "../proof/violation.ts";

/** Whom the functions were asked for, and what was wrong. */
export type AskedForAll = {
  readonly violations: readonly Violation[];
  /** How many users there are, and for how many of them the functions were asked. */
  readonly users: number;
  readonly asked: number;
};

const outcomeSchema = z.object({
  users: z.number(),
  asked: z.number(),
  wrong: z.array(
    z.object({ function: z.string(), what: z.string(), first: z.string(), count: z.number() }),
  ),
});

/** For how long users are asked for, in milliseconds; the order is random. */
const longest = 2000;

/**
 * Asks the fence's functions for every user, and for a member of every organization, in one statement, and
 * compares their answers with the memberships: a function that answers more, less or with an error for one
 * user or one organization only is found where the proof's own users are not that one.
 * @param user a user of the proof, who is made a member of each organization in turn
 */
export async function askForAll(
  queries: Queries,
  settings: ResolvedSettings,
  tenancy: Tenancy,
  { user, silences }: { readonly user: string; readonly silences: boolean },
): Promise<AskedForAll> {
  const asking = sql`DO ${functionBody(blockOf(settings, tenancy, user))}`;
  const silent = silences ? [sql`SET LOCAL session_replication_role = 'replica'`] : [];
  await queries.execute(together([sql`SAVEPOINT everyone`, ...silent, asking]));
  const [row] = await queries.rows(
    sql`SELECT current_setting('tenantry.everyone') AS outcome`,
    z.object({ outcome: z.string().transform((json) => outcomeSchema.parse(JSON.parse(json))) }),
  );
  await queries.execute(sql`ROLLBACK TO SAVEPOINT everyone`);
  if (row === undefined) throw new Error("the server returned no outcome");
  const { users, asked, wrong } = row.outcome;
  const violations = wrong.map(({ function: name, what, first, count }) =>
    violation(`${name}() ${what} for ${count === 1 ? first : `${count} of them, first ${first}`}`),
  );
  return { violations, users, asked };
}

const placeholder = "tenantry-asks-for-this-user";

/** The settings of a user's request, by an expression for the user's key. */
function settingsFor(settings: ResolvedSettings, key: Sql): Sql {
  return list(
    signedInAs(settings, placeholder).settings.map(([name, value]) => {
      // Within JSON, the key is written as JSON writes it.
      const json = sql`to_json(${key})::text`;
      const written = value.startsWith("{") ? sql`substr(${json}, 2, length(${json}) - 2)` : key;
      return sql`PERFORM set_config(${literal(name)}, replace(${literal(value)}, ${literal(placeholder)}, ${written}), TRUE);`;
    }),
    "\n    ",
  );
}

/** What each function must answer: its name, its answer as an array, and the memberships that it is of. */
function comparisons({ helpers, memberships, users }: Tenancy): readonly {
  readonly name: string;
  readonly answer: Sql;
  readonly right: Sql;
}[] {
  const key = sql`asked::${raw(users.idType)}`;
  const of = (further: Sql) => sql`
    ARRAY(SELECT DISTINCT m.organization_id::text
            FROM ${ident(memberships)} AS m
           WHERE m.user_id = ${key} ${further}
           ORDER BY 1)`;
  const all = (helper: typeof helpers.caller) =>
    sql`ARRAY(SELECT DISTINCT given::text FROM ${ident(helper)}() AS given ORDER BY 1)`;
  const named = (helper: typeof helpers.caller) => `${helper.schema}.${helper.name}`;
  return [
    {
      name: named(helpers.caller),
      answer: sql`ARRAY[${ident(helpers.caller)}()::text]`,
      right: sql`ARRAY[asked]`,
    },
    {
      name: named(helpers.callerOrganizations),
      answer: all(helpers.callerOrganizations),
      right: of(sql``),
    },
    {
      name: named(helpers.callerAdministers),
      answer: all(helpers.callerAdministers),
      right: of(sql`AND m.role IN ('owner', 'admin')`),
    },
  ];
}

function blockOf(settings: ResolvedSettings, tenancy: Tenancy, user: string): Sql {
  const { users, organizations, memberships } = tenancy;
  const key = ident(users.id);
  const table = ident(users.relation);
  const compared = comparisons(tenancy).map(
    ({ name, answer, right }) => sql`
    right_answer := ${right};
    BEGIN
      answer := ${answer};
      IF answer IS DISTINCT FROM right_answer THEN
        wrong := wrong || jsonb_build_object('function', ${literal(name)}, 'first', who, 'what',
          CASE WHEN answer @> right_answer THEN 'answers more than the memberships'
               WHEN answer <@ right_answer THEN 'answers less than the memberships'
               ELSE 'answers otherwise than the memberships' END);
      END IF;
    EXCEPTION WHEN OTHERS THEN
      wrong := wrong || jsonb_build_object('function', ${literal(name)}, 'first', who,
        'what', format('fails: %s (SQLSTATE %s)', SQLERRM, SQLSTATE));
    END;`,
  );
  const compare = sql`
    ${settingsFor(settings, sql`asked`)}
    ${list(compared, "\n")}
    IF jsonb_array_length(wrong) > 300 THEN
      EXIT;
    END IF;`;
  return sql`
DECLARE
  began CONSTANT timestamptz := clock_timestamp();
  asked text;
  who text;
  organization uuid;
  answer text[];
  right_answer text[];
  number_asked bigint := 0;
  number_of_users bigint;
  wrong jsonb := '[]';
BEGIN
  SELECT count(*) INTO number_of_users FROM ${table};
  FOR asked IN
    SELECT record.${key}::text
      FROM ${table} AS record
     WHERE number_of_users < 50000 OR random() < 50000.0 / number_of_users
     ORDER BY random()
  LOOP
    EXIT WHEN clock_timestamp() > began + make_interval(secs => ${raw(String(longest / 1000))});
    number_asked := number_asked + 1;
    who := 'user ' || asked;
    ${compare}
  END LOOP;
  asked := ${literal(user)};
  FOR organization IN
    SELECT o.id FROM ${ident(organizations)} AS o ORDER BY random()
  LOOP
    EXIT WHEN clock_timestamp() > began + make_interval(secs => ${raw(String((2 * longest) / 1000))});
    DELETE FROM ${ident(memberships)} WHERE user_id = asked::${raw(users.idType)};
    INSERT INTO ${ident(memberships)} (organization_id, user_id, role)
    VALUES (organization, asked::${raw(users.idType)}, 'member');
    who := 'a member of organization ' || organization;
    ${compare}
  END LOOP;
  PERFORM set_config('tenantry.everyone', jsonb_build_object(
    'users', number_of_users, 'asked', number_asked,
    'wrong', (SELECT coalesce(jsonb_agg(fault), '[]')
                FROM (SELECT one ->> 'function' AS function, one ->> 'what' AS what, min(one ->> 'first') AS first,
                             count(*) AS count
                        FROM jsonb_array_elements(wrong) AS one
                       GROUP BY 1, 2) AS fault))::text, TRUE);
END`;
}
