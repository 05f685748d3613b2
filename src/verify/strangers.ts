import { z } from "zod";
import { ident, type RelationName, sql } from "../postgres/sql.ts";
import { attempt, attemptRowsOfEach, silently } from "./attempt.ts";
import { forgedRequest, readAskedFor, staleRequest } from "./forgery.ts";
import { attackersRequest, type Ground, joinOnly, labelOf, othersHave } from "./ground.ts";
import { anonymous, asRequest, type Request, signedInAsNobody } from "./request.ts";
import type { Fence } from "./trial.ts";
import type { Violation } from "./violation.ts";
import type { Tried } from "./writing.ts";

type Stranger = {
  readonly name: string;
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
    { name: "anonymous", member: [], request: anonymous(settings) },
    { name: "signed in as nobody", member: [], request: signedInAsNobody(settings) },
    { name: "a user of no organization", member: [], request: attackersRequest(ground) },
    { name: "a removed member with old claims", member: [], request: staleRequest(ground, asked) },
    {
      name: "a member with forged claims, headers and settings",
      member: ["own"],
      request: forgedRequest(ground, asked),
    },
    {
      name: "a member of one, who was of two",
      member: ["own"],
      request: staleRequest(ground, asked),
    },
  ];
  const violations: Violation[] = [];
  for (const stranger of strangers) {
    await queries.execute(sql`SAVEPOINT stranger`);
    await joinOnly(ground, stranger.member);
    violations.push(...(await tryReading(ground, stranger)));
    // All at once, and one by one only where that showed something.
    if (await deletesOthers(ground, stranger, fences)) {
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
    await queries.execute(sql`ROLLBACK TO SAVEPOINT stranger`);
  }
  return { violations, remarks: [] };
}

async function tryReading(ground: Ground, stranger: Stranger): Promise<Violation[]> {
  const { queries, tenancy, fences, own } = ground;
  const theirs = stranger.member.length === 0 ? [] : [own];
  const relations: readonly { relation: RelationName; column: string }[] = [
    ...fences.map(({ relation }) => ({ relation, column: tenancy.column })),
    { relation: tenancy.memberships, column: "organization_id" },
    { relation: tenancy.organizations, column: "id" },
  ];
  const looks = relations.map(({ relation, column }) => ({
    relation,
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
  return looks.flatMap(({ relation, statement }, index): Violation[] => {
    // Refused, or wrong in its own claims: either way nothing was seen.
    const seen = all[index];
    const [row] = seen?.kind === "done" ? seen.rows : [];
    if (row === undefined) return [];
    const answer = `a row of organization ${row.organization}`;
    const what = `${who} sees others' rows of ${labelOf(relation)}`;
    return [{ what, shown: { who, request, object: relation, statement, answer } }];
  });
}

async function deletesOthers(
  ground: Ground,
  { request }: Stranger,
  fences: readonly Fence[],
): Promise<boolean> {
  const { queries } = ground;
  const before = await othersHave(ground);
  await queries.execute(sql`SAVEPOINT deleting`);
  await silently(queries, () =>
    asRequest(queries, request, async () => {
      for (const { relation } of fences) {
        await attempt(queries, sql`DELETE FROM ${ident(relation)}`);
      }
    }),
  );
  const after = await othersHave(ground);
  await queries.execute(sql`ROLLBACK TO SAVEPOINT deleting`);
  return before !== after;
}
