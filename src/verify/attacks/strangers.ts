import { z } from "zod";
import { ident, type RelationName, sql } from "../../postgres/sql.ts";
import { attempt, attemptRowsOfEach, silently } from "../proof/attempt.ts";
import { anonymous, asRequest, type Request, signedInAsNobody } from "../proof/request.ts";
import type { Fence } from "../proof/trial.ts";
import { type Refusal, unexplained } from "../proof/unexplained.ts";
import { type Violation, violation } from "../proof/violation.ts";
import type { Tried } from "../proof/writing.ts";
import { forgedRequest, readAskedFor, staleRequest } from "./forgery.ts";
import { attackersRequest, type Ground, joinOnly, labelOf, othersHave } from "./ground.ts";

type Stranger = {
  readonly name: string;
  /** Who says nothing that is false gets an answer, and no error. */
  readonly honest: boolean;
  readonly member: readonly ("own" | "foreign")[];
  readonly request: Request;
};

/**
 * Whoever is not a member of the others' organization: each reads, and deletes blindly. Without a
 * WHERE only the DELETE policies are asked, not those for SELECT.
 */
export async function tryStrangers(ground: Ground): Promise<Tried> {
  const { queries, settings, fences } = ground;
  const asked = await readAskedFor(ground);
  const strangers: readonly Stranger[] = [
    {
      name: "anonymous",
      honest: true,
      member: [],
      request: await anonymousRequest(ground),
    },
    { name: "signed in as nobody", honest: true, member: [], request: signedInAsNobody(settings) },
    {
      name: "a user of no organization",
      honest: true,
      member: [],
      request: attackersRequest(ground),
    },
    {
      name: "a removed member with old claims",
      honest: false,
      member: [],
      request: staleRequest(ground, asked),
    },
    {
      name: "a member with forged claims, headers and settings",
      honest: false,
      member: ["own"],
      request: forgedRequest(ground, asked),
    },
    {
      name: "a member of one, who was of two",
      honest: false,
      member: ["own"],
      request: staleRequest(ground, asked),
    },
  ];
  const violations: Violation[] = [];
  for (const stranger of strangers) {
    await queries.execute(sql`SAVEPOINT stranger`);
    await joinOnly(ground, stranger.member);
    const read = await tryReading(ground, stranger);
    const refusals = [...read.refusals];
    violations.push(...read.violations, ...(await tryTruncating(ground, stranger)));
    // All at once, and one by one only where that showed something.
    if (await deletesOthers(ground, stranger, fences, refusals)) {
      for (const fence of fences) {
        if (!(await deletesOthers(ground, stranger, [fence]))) continue;
        violations.push({
          what: `${stranger.name} deletes others' rows of ${fence.label}`,
          shown: {
            who: stranger.name,
            request: stranger.request,
            object: fence.relation,
            statement: sql`DELETE FROM ${ident(fence.relation)}`,
            answer: `rows of organization ${ground.foreign}, which the proof made, are gone`,
          },
        });
      }
    }
    if (stranger.honest) {
      const errors = await unexplained(queries, stranger.request.role, refusals);
      violations.push(
        ...errors.map((error) =>
          violation(`${stranger.name} gets an error instead of an empty answer from ${error}`),
        ),
      );
    }
    await queries.execute(sql`ROLLBACK TO SAVEPOINT stranger`);
  }
  return { violations, remarks: [] };
}

/** Of the role for that, by the application's login where it may become it, else by another's. */
async function anonymousRequest({ queries, settings }: Ground): Promise<Request> {
  const request = anonymous(settings);
  if (request.login === undefined) return request;
  const [row] = await queries.rows(
    sql`SELECT pg_has_role(${request.login}::text, ${request.role}::text, 'MEMBER') AS may`,
    z.object({ may: z.boolean() }),
  );
  return row?.may === true ? request : { ...request, login: undefined };
}

/**
 * TRUNCATE asks no policy, and locks the table before anything can be seen: so it is asked of the catalog.
 * The fenced tables are tried as the signed-in role elsewhere.
 */
async function tryTruncating(
  { queries, fences, tenancy, settings }: Ground,
  { name: who, request, honest }: Stranger,
): Promise<Violation[]> {
  if (!honest) return [];
  const own = [tenancy.memberships, tenancy.organizations];
  const relations =
    request.role === settings.roles.signedIn
      ? own
      : [...fences.map(({ relation }) => relation), ...own];
  const violations: Violation[] = [];
  for (const relation of relations) {
    const [row] = await queries.rows(
      sql`
        SELECT has_table_privilege(${request.role}::text, c.oid, 'TRUNCATE')
               AND has_schema_privilege(${request.role}::text, c.relnamespace, 'USAGE') AS may
          FROM pg_class c
         WHERE c.oid = ${ident(relation).parts.join("")}::text::regclass
      `,
      z.object({ may: z.boolean() }),
    );
    if (row?.may !== true) continue;
    const statement = sql`TRUNCATE ${ident(relation)}`;
    const answer = "it was not run: the privilege is granted, and nothing else is asked";
    violations.push({
      what: `${who} may empty ${labelOf(relation)} with a TRUNCATE`,
      shown: { who, request, object: relation, statement, answer },
    });
  }
  return violations;
}

async function tryReading(
  ground: Ground,
  stranger: Stranger,
): Promise<{ readonly violations: readonly Violation[]; readonly refusals: readonly Refusal[] }> {
  const { queries, tenancy, fences, own } = ground;
  const theirs = stranger.member.length === 0 ? [] : [own];
  const relations: readonly { relation: RelationName; column: string }[] = [
    ...fences.map(({ relation }) => ({ relation, column: tenancy.column })),
    { relation: tenancy.memberships, column: "organization_id" },
    { relation: tenancy.organizations, column: "id" },
  ];
  const looks = relations.map(({ relation, column }) => ({
    relation,
    column,
    statement: sql`
      SELECT coalesce(${ident(column)}::text, 'none') AS organization
        FROM ${ident(relation)}
       WHERE (${ident(column)} = ANY (${theirs}::uuid[])) IS NOT TRUE
       LIMIT 1
    `,
  }));
  const statements = looks.map(({ statement }) => statement);
  const { name: who, request } = stranger;
  const all = await asRequest(queries, request, async () => {
    // For one row of many the planner reads the whole table, and where all is well there is none.
    await queries.execute(sql`SET LOCAL enable_seqscan = off`);
    const seen = await attemptRowsOfEach(
      queries,
      statements,
      z.object({ organization: z.string() }),
    );
    await queries.execute(sql`SET LOCAL enable_seqscan TO DEFAULT`);
    return seen;
  });
  const refusals = looks.flatMap(({ relation, column }, index): Refusal[] => {
    const seen = all[index];
    return seen?.kind === "refused"
      ? [{ relation, column, privilege: "SELECT", refused: seen }]
      : [];
  });
  const violations = looks.flatMap(({ relation, statement }, index): Violation[] => {
    // Refused, or wrong in its own claims: either way nothing was seen.
    const seen = all[index];
    const [row] = seen?.kind === "done" ? seen.rows : [];
    if (row === undefined) return [];
    const answer = `a row of organization ${row.organization}`;
    const what = `${who} sees others' rows of ${labelOf(relation)}`;
    return [{ what, shown: { who, request, object: relation, statement, answer } }];
  });
  return { violations, refusals };
}

async function deletesOthers(
  ground: Ground,
  { request }: Stranger,
  fences: readonly Fence[],
  refusals: Refusal[] = [],
): Promise<boolean> {
  const { queries } = ground;
  const before = await othersHave(ground);
  await queries.execute(sql`SAVEPOINT deleting`);
  await silently(queries, () =>
    asRequest(queries, request, async () => {
      for (const { relation } of fences) {
        const outcome = await attempt(queries, sql`DELETE FROM ${ident(relation)}`);
        // A trigger of the application's may refuse, whoever asks.
        if (outcome.kind === "refused" && !outcome.inFunction) {
          refusals.push({ relation, privilege: "DELETE", refused: outcome });
        }
      }
    }),
  );
  const after = await othersHave(ground);
  await queries.execute(sql`ROLLBACK TO SAVEPOINT deleting`);
  return before !== after;
}
