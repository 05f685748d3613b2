import { randomBytes } from "node:crypto";
import { z } from "zod";
import {
  functionBody,
  ident,
  inlined,
  list,
  literal,
  type Sql,
  sql,
  together,
} from "../../postgres/sql.ts";
import type { Request } from "../proof/request.ts";
import { signedInAs } from "../proof/request.ts";
import type { Violation } from "../proof/violation.ts";
import type { Tried } from "../tables/try-writes.ts";
import { type AttackSetup, joinOnly } from "./attack-setup.ts";
import { type Look, readable } from "./seen-at-once.ts";

/** How a statement is asked again by another user of the same session. */
type Way = {
  readonly what: string;
  readonly mode: "auto" | "force_generic_plan" | "force_custom_plan";
  readonly asked: "as text" | "prepared" | "in a function";
};

const ways: readonly Way[] = [
  { what: "the same statement", mode: "auto", asked: "as text" },
  { what: "a prepared statement", mode: "auto", asked: "prepared" },
  {
    what: "a prepared statement with a generic plan",
    mode: "force_generic_plan",
    asked: "prepared",
  },
  { what: "a prepared statement with custom plans", mode: "force_custom_plan", asked: "prepared" },
  { what: "a statement in a function", mode: "auto", asked: "in a function" },
];

type User = { readonly request: Request; readonly organization: string };

/**
 * Two users of one session ask all tables with the same statement, one after the other and then the first
 * again, in both orders: a plan, a setting or a temporary table in which something was kept of the one shows
 * in the other's answer.
 */
export async function tryCachedPlans(setup: AttackSetup): Promise<Tried> {
  const { settings, user, other, own, foreign, fences, tenancy } = setup;
  if (other === undefined) {
    return {
      violations: [],
      remarks: ["users in one session were not tried: there is only one user"],
    };
  }
  await joinOnly(setup, ["own"]);
  const one = { request: signedInAs(settings, user), organization: own };
  const two = { request: signedInAs(settings, other), organization: foreign };
  const looks = fences.map(({ relation }) => ({ relation, column: tenancy.column }));
  const asked = await readable(setup, looks, settings.roles.signedIn);
  if (asked.length === 0) return { violations: [], remarks: [] };
  const violations: Violation[] = [];
  for (const way of ways) {
    for (const order of [
      [one, two],
      [two, one],
    ] as const) {
      const found = await askInTurn(setup, asked, way, order);
      violations.push(...found);
    }
    // The same fault shows in every way.
    if (violations.length > 0) break;
  }
  return { violations, remarks: [] };
}

/** Which organizations' rows each table shows, by the table's number. */
function everything(looks: readonly Look[]): Sql {
  const parts = looks.map(
    ({ relation, column }, index) =>
      sql`SELECT ${literal(String(index))} || ' ' || ${ident(column)}::text AS row FROM ${ident(relation)}`,
  );
  return sql`SELECT coalesce(string_agg(DISTINCT row, ','), '') AS rows FROM (${list(parts, " UNION ALL ")}) AS shown`;
}

async function askInTurn(
  { queries, fences }: AttackSetup,
  looks: readonly Look[],
  { what, mode, asked }: Way,
  [first, second]: readonly [User, User],
): Promise<readonly Violation[]> {
  // Prepared statements are not part of the transaction, and a pooled session may have others.
  const name = ident(`tenantry_${randomBytes(6).toString("hex")}`);
  const statement = inlined(everything(looks));
  await queries.execute(
    together([sql`SAVEPOINT cached`, sql`SET LOCAL plan_cache_mode = ${literal(mode)}`]),
  );
  await queries.execute(sql`PREPARE ${name} AS ${statement}`);
  const turns = [first, second, first];
  const texts = { "as text": statement, prepared: sql`EXECUTE ${name}` };
  const answers =
    asked === "in a function" ? inLoop(turns, statement) : inText(turns, texts[asked]);
  await queries.execute(sql`DO ${functionBody(answers)}`);
  const [row] = await queries.rows(
    sql`SELECT current_setting('tenantry.answers') AS answers`,
    z.object({
      answers: z
        .string()
        .transform((json) => z.array(z.string().nullable()).parse(JSON.parse(json))),
    }),
  );
  await queries.execute(together([sql`DEALLOCATE ${name}`, sql`ROLLBACK TO SAVEPOINT cached`]));
  const seen = row?.answers ?? [];
  const wrong = new Map<number, Violation>();
  for (const [index, { organization, request }] of turns.entries()) {
    for (const shown of (seen[index] ?? "").split(",").filter((one) => one !== "")) {
      const [number = "", owner] = shown.split(" ");
      const look = looks[Number(number)];
      if (owner === organization || look === undefined || wrong.has(Number(number))) continue;
      const label = fences.find(({ relation }) => relation === look.relation)?.label ?? "";
      wrong.set(Number(number), {
        what: `${label} answers with the rows of the user who asked before`,
        shown: {
          who: "a user, after another user of the same session",
          request,
          object: look.relation,
          statement: sql`SELECT DISTINCT ${ident(look.column)} FROM ${ident(look.relation)}`,
          answer: `by ${what}: a row of organization ${owner ?? "none"}`,
        },
      });
    }
  }
  return [...wrong.values()];
}

function becoming({ settings, login, role }: Request): Sql {
  const names = [
    ...settings,
    ...(login === undefined ? [] : [["session_authorization", login]]),
    ["role", role],
  ];
  return list(
    names.map(
      ([name = "", value = ""]) =>
        sql`PERFORM set_config(${literal(name)}, ${literal(value)}, TRUE);`,
    ),
    "\n",
  );
}

const own = sql`RESET ROLE; RESET SESSION AUTHORIZATION;`;

/** Each user's statement as a text, which is not kept by the block itself. */
function inText(turns: readonly User[], statement: Sql): Sql {
  const steps = turns.map(
    ({ request }) => sql`
  ${becoming(request)}
  EXECUTE ${literal(statement.parts.join(""))} INTO answer;
  ${own}
  answers := answers || to_jsonb(answer);`,
  );
  return sql`
DECLARE
  answer text;
  answers jsonb := '[]';
BEGIN
  ${list(steps, "\n")}
  PERFORM set_config('tenantry.answers', answers::text, TRUE);
END`;
}

/** The same statement of one block, whose plan PL/pgSQL keeps from one user to the next. */
function inLoop(turns: readonly User[], statement: Sql): Sql {
  const whose = turns.map(
    ({ request }, index) => sql`WHEN ${literal(index)} THEN ${becoming(request)}`,
  );
  return sql`
DECLARE
  answer text;
  answers jsonb := '[]';
BEGIN
  FOR turn IN 0 .. ${literal(turns.length - 1)} LOOP
    CASE turn ${list(whose, "\n")} END CASE;
    answer := (${statement});
    ${own}
    answers := answers || to_jsonb(answer);
  END LOOP;
  PERFORM set_config('tenantry.answers', answers::text, TRUE);
END`;
}
