import { z } from "zod";
import { ident, type RelationName, sql, textOf } from "../../postgres/sql.ts";
import { attempt, attemptRowsOfEach, withoutTriggers } from "../proof/attempt.ts";
import { anonymous, asRequest, type Request, signedInAsNobody } from "../proof/request.ts";
import type { Fence } from "../proof/trial.ts";
import type { Tried } from "../proof/try-writes.ts";
import { type Refusal, unexplained } from "../proof/unexplained.ts";
import { type Violation, violation } from "../proof/violation.ts";
import {
  type AttackSetup,
  attackersRequest,
  joinOnly,
  labelOf,
  othersHave,
} from "./attack-setup.ts";
import { forgedRequest, readClaimNames, staleRequest } from "./forgery.ts";

type NonMember = {
  readonly name: string;
  /** Whether its claims are true: then it must get an answer, and no error. */
  readonly honest: boolean;
  readonly member: readonly ("own" | "foreign")[];
  readonly request: Request;
};

/**
 * Users who are not members of the other organization each read, and delete without a WHERE: then only
 * the policies for DELETE apply, not those for SELECT.
 */
export async function tryNonMembers(setup: AttackSetup): Promise<Tried> {
  const { queries } = setup;
  const violations: Violation[] = [];
  for (const nonMember of await nonMembersOf(setup)) {
    await queries.execute(sql`SAVEPOINT non_member`);
    await joinOnly(setup, nonMember.member);
    const read = await tryReading(setup, nonMember);
    const refusals = [...read.refusals];
    violations.push(
      ...read.violations,
      ...(await tryTruncating(setup, nonMember)),
      ...(await tryDeleting(setup, nonMember, refusals)),
    );
    if (nonMember.honest) {
      const errors = await unexplained(queries, nonMember.request.role, refusals);
      violations.push(
        ...errors.map((error) =>
          violation(`${nonMember.name} gets an error instead of an empty answer from ${error}`),
        ),
      );
    }
    await queries.execute(sql`ROLLBACK TO SAVEPOINT non_member`);
  }
  return { violations, remarks: [] };
}

async function nonMembersOf(setup: AttackSetup): Promise<readonly NonMember[]> {
  const claimed = await readClaimNames(setup);
  const honest = { honest: true, member: [] } as const;
  return [
    { name: "anonymous", ...honest, request: await anonymousRequest(setup) },
    { name: "signed in as nobody", ...honest, request: signedInAsNobody(setup.settings) },
    { name: "a user of no organization", ...honest, request: attackersRequest(setup) },
    {
      name: "a removed member with old claims",
      honest: false,
      member: [],
      request: staleRequest(setup, claimed),
    },
    {
      name: "a member with forged claims, headers and settings",
      honest: false,
      member: ["own"],
      request: forgedRequest(setup, claimed),
    },
    {
      name: "a member of one organization with old claims of two",
      honest: false,
      member: ["own"],
      request: staleRequest(setup, claimed),
    },
  ];
}

/** Deletes from all tables at once, and from each of them only where that deleted others' rows. */
async function tryDeleting(
  setup: AttackSetup,
  nonMember: NonMember,
  refusals: Refusal[],
): Promise<readonly Violation[]> {
  const { fences, foreign } = setup;
  if (!(await deletesOthers(setup, nonMember, fences, refusals))) return [];
  const violations: Violation[] = [];
  for (const fence of fences) {
    if (!(await deletesOthers(setup, nonMember, [fence]))) continue;
    violations.push({
      what: `${nonMember.name} deletes others' rows of ${fence.label}`,
      shown: {
        who: nonMember.name,
        request: nonMember.request,
        object: fence.relation,
        statement: sql`DELETE FROM ${ident(fence.relation)}`,
        answer: `rows of organization ${foreign}, which the proof made, are gone`,
      },
    });
  }
  return violations;
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
  { name: who, request, honest }: NonMember,
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
         WHERE c.oid = ${textOf(ident(relation))}::text::regclass
      `,
      z.object({ may: z.boolean() }),
    );
    if (row?.may !== true) continue;
    const statement = sql`TRUNCATE ${ident(relation)}`;
    const answer = "not run: the privilege is granted, and no policy applies to TRUNCATE";
    violations.push({
      what: `${who} may empty ${labelOf(relation)} with a TRUNCATE`,
      shown: { who, request, object: relation, statement, answer },
    });
  }
  return violations;
}

async function tryReading(
  setup: AttackSetup,
  nonMember: NonMember,
): Promise<{ readonly violations: readonly Violation[]; readonly refusals: readonly Refusal[] }> {
  const { queries, tenancy, fences, own } = setup;
  const theirs = nonMember.member.length === 0 ? [] : [own];
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
  const { name: who, request } = nonMember;
  const all = await asRequest(queries, request, async () => {
    // Otherwise the planner scans the whole table for the LIMIT, and an unbroken fence has no such row.
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
    // A refused query showed no row.
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
  setup: AttackSetup,
  { request }: NonMember,
  fences: readonly Fence[],
  refusals: Refusal[] = [],
): Promise<boolean> {
  const { queries } = setup;
  const before = await othersHave(setup);
  await queries.execute(sql`SAVEPOINT deleting`);
  await withoutTriggers(queries, () =>
    asRequest(queries, request, async () => {
      for (const { relation } of fences) {
        const outcome = await attempt(queries, sql`DELETE FROM ${ident(relation)}`);
        // A trigger of the application may refuse every DELETE.
        if (outcome.kind === "refused" && !outcome.inFunction) {
          refusals.push({ relation, privilege: "DELETE", refused: outcome });
        }
      }
    }),
  );
  const after = await othersHave(setup);
  await queries.execute(sql`ROLLBACK TO SAVEPOINT deleting`);
  return before !== after;
}
