import { z } from "zod";
import { ident, type RelationName, type Sql, sql, textOf } from "../../postgres/sql.ts";
import { callsOf, ownersFunctions } from "../functions/owners-functions.ts";
import { attempt, attemptRowsOfEach, withoutTriggers } from "../proof/attempt.ts";
import { asRequest } from "../proof/request.ts";
import { type Violation, violation } from "../proof/violation.ts";
import type { Tried } from "../tables/try-writes.ts";
import { type AttackSetup, attackersRequest, joinOnly, labelOf } from "./attack-setup.ts";
import { fencedRelations, otherRelations } from "./surroundings.ts";

/** Something that a member can read or call, as an item of FROM. */
type Source = { readonly label: string; readonly object: RelationName; readonly from: Sql };

/**
 * Compares all that a member can read and call before others' rows are deleted and after: a difference
 * reveals something about them. It finds counts and sums too, which contain no row.
 */
export async function tryInterference(setup: AttackSetup): Promise<Tried> {
  await joinOnly(setup, ["own"]);
  const functions = await ownersFunctions(setup);
  const called = functions.filter(({ undone, notCalled }) => !undone && notCalled === undefined);
  const values = [setup.foreign, ...(await keysOf(setup, setup.foreign))];
  const sources = [
    ...fencedRelations(setup).map(sourceOf),
    ...(await otherRelations(setup, "over the fenced")).map(sourceOf),
    ...callsOf(called, values).map(({ of, object, from }) => ({
      label: of.routine.shown,
      object,
      from,
    })),
  ];
  const remarks = functions
    .filter(({ undone }) => !undone)
    .flatMap(({ notCalled, routine }) =>
      notCalled === undefined ? [] : [`${routine.shown} was not called: ${notCalled}`],
    );
  const first = await digests(setup, sources);
  const second = await digests(setup, sources);
  remarks.push(...(await deleteOthers(setup)));
  const third = await digests(setup, sources);
  const found = new Map<string, Violation>();
  for (const [index, { label, object, from }] of sources.entries()) {
    const unknown = whyUnknown(first[index], second[index], third[index]);
    if (unknown !== undefined) {
      found.set(label, violation(`whether ${label} reveals others' rows is not known: ${unknown}`));
    } else if (second[index] !== third[index] && !found.has(label)) {
      const statement = sql`SELECT * FROM ${from}`;
      const request = attackersRequest(setup);
      const answer =
        "the answer changed when the rows of the proof's other organization were deleted";
      found.set(label, {
        what: `${label} gives another answer after others' rows are deleted`,
        shown: { who: "a member", request, object, statement, answer },
      });
    }
  }
  return { violations: [...found.values()], remarks };
}

function sourceOf(relation: { readonly schema: string; readonly name: string }): Source {
  const { schema, name } = relation;
  const object = { schema, name };
  return { label: labelOf(relation), object, from: ident(object) };
}

/** now() does not change in a transaction: an answer that differs is random, or depends on other sessions' writes. */
function whyUnknown(...answers: readonly (string | undefined)[]): string | undefined {
  const [first, second] = answers;
  if (answers.includes(queryCanceled)) return "it takes longer than the proof's statement_timeout";
  if (first !== second) return "it gives another answer each time";
  return undefined;
}

const queryCanceled = "57014";

/** Digests of each source's answer to the member; an SQLSTATE is an answer too. */
async function digests(setup: AttackSetup, sources: readonly Source[]): Promise<string[]> {
  const { queries } = setup;
  // A sum needs no order.
  const statements = sources.map(
    ({ from }) => sql`
      SELECT count(*) || ' ' || coalesce(sum(hashtextextended(answer::text, 0)), 0) AS digest
        FROM ${from} AS answer
    `,
  );
  const answers = await asRequest(queries, attackersRequest(setup), () =>
    attemptRowsOfEach(queries, statements, z.object({ digest: z.string() })),
  );
  return answers.map((answer) =>
    answer.kind === "done" ? (answer.rows[0]?.digest ?? "") : answer.sqlState,
  );
}

/** @returns which rows could not be deleted */
async function deleteOthers({ queries, fences, tenancy, foreign }: AttackSetup): Promise<string[]> {
  const kept: string[] = [];
  await withoutTriggers(queries, async () => {
    for (const { relation, label } of fences.toReversed()) {
      const outcome = await attempt(
        queries,
        sql`DELETE FROM ${ident(relation)} WHERE ${ident(tenancy.column)} = ${foreign}::uuid`,
      );
      if (outcome.kind === "done") continue;
      kept.push(`others' rows of ${label} could not be deleted: ${outcome.message}`);
    }
  });
  return kept;
}

/** The keys of an organization's rows, and the keys that they reference. */
export async function keysOf(
  { queries, fences, tenancy }: AttackSetup,
  organization: string,
): Promise<string[]> {
  const keys: string[] = [];
  for (const { relation } of fences) {
    const columns = await queries.rows(
      sql`
        SELECT DISTINCT a.attname::text AS name
          FROM pg_constraint k
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
         WHERE k.conrelid = ${textOf(ident(relation))}::text::regclass
           AND k.contype IN ('p', 'f')
           AND a.attname <> ${tenancy.column}
         ORDER BY 1
      `,
      z.object({ name: z.string() }),
    );
    for (const { name } of columns) {
      const rows = await queries.rows(
        sql`
          SELECT ${ident(name)}::text AS key
            FROM ${ident(relation)}
           WHERE ${ident(tenancy.column)} = ${organization}::uuid
             AND ${ident(name)} IS NOT NULL
           LIMIT 1
        `,
        z.object({ key: z.string() }),
      );
      keys.push(...rows.map(({ key }) => key));
    }
  }
  return [...new Set(keys)];
}
