import { z } from "zod";
import { ident, sql, textOf } from "../../postgres/sql.ts";
import { attemptAll } from "../proof/attempts.ts";
import { anonymous, type Request, signedInAsNobody } from "../proof/request.ts";
import { type Refusal, unexplained } from "../proof/unexplained.ts";
import { type Violation, violation } from "../proof/violation.ts";
import type { Tried } from "../tables/try-writes.ts";
import { type AttackSetup, attackersRequest, joinOnly, labelOf } from "./attack-setup.ts";
import { forgedRequest, forgeries, readClaimNames, staleRequest } from "./forgery.ts";
import {
  type Look,
  looksOf,
  othersIn,
  readable,
  whoSeesOthers,
  withIndexes,
} from "./seen-at-once.ts";
import { type Stranger, tryStrangersWrites } from "./strangers-writes.ts";

/**
 * Users who are not members of the other organization each read, and those whose claims differ in kind write:
 * without a WHERE, since then only the policies of that command apply, not those for SELECT.
 */
export async function tryNonMembers(setup: AttackSetup): Promise<Tried> {
  const { queries } = setup;
  const violations: Violation[] = [];
  const remarks: string[] = [];
  for (const group of await nonMembersOf(setup)) {
    await queries.execute(sql`SAVEPOINT non_member`);
    await joinOnly(setup, group.member);
    const refusals = new Map<Stranger, Refusal[]>();
    violations.push(...(await tryReading(setup, group.who, refusals)));
    for (const stranger of group.who.filter(({ writes }) => writes)) {
      const written = await tryStrangersWrites(setup, stranger);
      violations.push(...written.violations, ...(await tryTruncating(setup, stranger)));
      remarks.push(...written.remarks);
      refusals.set(stranger, [...(refusals.get(stranger) ?? []), ...written.refusals]);
    }
    for (const [stranger, refused] of refusals) {
      if (!stranger.honest) continue;
      const errors = await unexplained(queries, stranger.request.role, refused);
      violations.push(
        ...errors.map((error) =>
          violation(`${stranger.name} gets an error instead of an empty answer from ${error}`),
        ),
      );
    }
    await queries.execute(sql`ROLLBACK TO SAVEPOINT non_member`);
  }
  return { violations, remarks };
}

/** Strangers who have the same memberships. */
type Group = {
  readonly member: readonly ("own" | "foreign")[];
  readonly who: readonly Stranger[];
};

async function nonMembersOf(setup: AttackSetup): Promise<readonly Group[]> {
  const claimed = await readClaimNames(setup);
  const honest = { honest: true, writes: true, theirs: [] };
  const member = { honest: false, theirs: [setup.own] };
  // The first forgery gives each key what its name says; the others are only read with.
  const all = forgeries(setup).map((forged, index) => ({ ...forged, forged, writes: index === 0 }));
  const saying = (what: string, index: number) => (index === 0 ? "" : ` (${what})`);
  return [
    {
      member: [],
      who: [
        { name: "anonymous", ...honest, request: await anonymousRequest(setup) },
        { name: "signed in as nobody", ...honest, request: signedInAsNobody(setup.settings) },
        { name: "a user of no organization", ...honest, request: attackersRequest(setup) },
        ...all.map(({ what, forged, writes }, index) => ({
          name: `a removed member with old claims${saying(what, index)}`,
          ...{ honest: false, theirs: [], writes },
          request: staleRequest(setup, claimed, forged),
        })),
      ],
    },
    {
      member: ["own"],
      who: [
        ...all.map(({ what, forged, writes }, index) => ({
          name: `a member with forged claims, headers and settings${saying(what, index)}`,
          ...member,
          writes,
          request: forgedRequest(setup, claimed, forged),
        })),
        ...all.map(({ what, forged, writes }, index) => ({
          name: `a member of one organization with old claims of two${saying(what, index)}`,
          ...member,
          writes,
          request: staleRequest(setup, claimed, forged),
        })),
      ],
    },
  ];
}

/** The anonymous request, with the application's login where that may become the anonymous role. */
async function anonymousRequest({ queries, settings }: AttackSetup): Promise<Request> {
  const request = anonymous(settings);
  if (request.login === undefined) return request;
  const [row] = await queries.rows(
    sql`SELECT pg_has_role(${request.login}::text, ${request.role}::text, 'MEMBER') AS may`,
    z.object({ may: z.boolean() }),
  );
  return row?.may === true ? request : { ...request, login: undefined };
}

/**
 * Policies do not apply to TRUNCATE, and it locks the table: so only the privilege is read from the catalog.
 * The fenced tables are tried as the signed-in role elsewhere.
 */
async function tryTruncating(
  { queries, fences, tenancy, settings }: AttackSetup,
  { name: who, request, honest }: Stranger,
): Promise<Violation[]> {
  if (!honest) return [];
  const own = [tenancy.memberships, tenancy.organizations];
  const relations =
    request.role === settings.roles.signedIn
      ? own
      : [...fences.map(({ relation }) => relation), ...own];
  const truncatable = await queries.rows(
    sql`
      SELECT named.number::integer AS number
        FROM unnest(${relations.map((relation) => textOf(ident(relation)))}::text[])
             WITH ORDINALITY AS named (relation, number)
        JOIN pg_class c ON c.oid = named.relation::regclass
       WHERE has_table_privilege(${request.role}::text, c.oid, 'TRUNCATE')
         AND has_schema_privilege(${request.role}::text, c.relnamespace, 'USAGE')
    `,
    z.object({ number: z.number() }),
  );
  return truncatable.flatMap(({ number }): Violation[] => {
    const relation = relations[number - 1];
    if (relation === undefined) return [];
    const statement = sql`TRUNCATE ${ident(relation)}`;
    const answer = "not run: the privilege is granted, and no policy applies to TRUNCATE";
    const what = `${who} may empty ${labelOf(relation)} with a TRUNCATE`;
    return [{ what, shown: { who, request, object: relation, statement, answer } }];
  });
}

/** All tables at once, and each by itself for those who see something, or get an error. */
async function tryReading(
  setup: AttackSetup,
  strangers: readonly Stranger[],
  refusals: Map<Stranger, Refusal[]>,
): Promise<readonly Violation[]> {
  const { queries } = setup;
  const looks = looksOf(setup);
  const violations: Violation[] = [];
  for (const role of new Set(strangers.map(({ request }) => request.role))) {
    const asking = strangers.filter(({ request }) => request.role === role);
    const askable = await readable(setup, looks, role);
    const requests = asking.map(({ request: as, theirs }) => ({ as, theirs }));
    const seen = await whoSeesOthers(setup, askable, requests);
    for (const [index, stranger] of asking.entries()) {
      if (seen[index] === "nothing") continue;
      const found = await readEach(queries, askable, stranger);
      violations.push(...found.violations);
      refusals.set(stranger, [...found.refusals]);
    }
  }
  return violations;
}

async function readEach(
  queries: AttackSetup["queries"],
  looks: readonly Look[],
  { name: who, request, theirs }: Stranger,
): Promise<{ readonly violations: readonly Violation[]; readonly refusals: readonly Refusal[] }> {
  const outcomes = await attemptAll(
    queries,
    looks.map((look) => ({
      as: request,
      settings: withIndexes,
      statement: othersIn(look, theirs),
      answers: true,
    })),
  );
  const violations: Violation[] = [];
  const refusals: Refusal[] = [];
  for (const [index, look] of looks.entries()) {
    const outcome = outcomes[index];
    const { relation, column } = look;
    if (outcome?.kind === "refused") {
      refusals.push({ relation, column, privilege: "SELECT", refused: outcome });
    } else if (outcome?.kind === "done" && outcome.answer !== null) {
      const statement = othersIn(look, theirs);
      const answer = `a row of organization ${outcome.answer}`;
      const what = `${who} sees others' rows of ${labelOf(relation)}`;
      violations.push({ what, shown: { who, request, object: relation, statement, answer } });
    }
  }
  return { violations, refusals };
}
