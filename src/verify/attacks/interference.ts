import { z } from "zod";
import { ident, list, type RelationName, raw, type Sql, sql, textOf } from "../../postgres/sql.ts";
import { attempt, attemptRowsOfEach, withoutTriggers } from "../proof/attempt.ts";
import { asRequest } from "../proof/request.ts";
import { type Violation, violation } from "../proof/violation.ts";
import type { Tried } from "../tables/try-writes.ts";
import { type AttackSetup, attackersRequest, joinOnly, labelOf } from "./attack-setup.ts";
import {
  fencedRelations,
  type OwnersFunction,
  otherRelations,
  ownersFunctions,
} from "./surroundings.ts";

/** Something that a member can read or call, as an item of FROM. */
type Source = { readonly label: string; readonly object: RelationName; readonly from: Sql };

/**
 * Compares all that a member can read and call before others' rows are deleted and after: a difference
 * reveals something about them. It finds counts and sums too, which contain no row.
 */
export async function tryInterference(setup: AttackSetup): Promise<Tried> {
  await joinOnly(setup, ["own"]);
  const functions = await ownersFunctions(setup);
  const called = functions.filter(({ changesNothing }) => changesNothing);
  const sources = [
    ...fencedRelations(setup).map(sourceOf),
    ...(await otherRelations(setup, "over the fenced")).map(sourceOf),
    ...(await callsOf(setup, called)),
  ];
  const remarks = functions
    .filter(({ changesNothing }) => !changesNothing)
    .map(({ signature }) => `${signature} was not called: it may write`);
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

/** Calls of each function with the other organization, and with each key of its rows, as arguments. */
async function callsOf(
  setup: AttackSetup,
  functions: readonly OwnersFunction[],
): Promise<Source[]> {
  if (functions.length === 0) return [];
  const values = [setup.foreign, ...(await othersKeys(setup))];
  return functions.flatMap(({ schema, name, signature, types }) => {
    const calls = types.length === 0 ? [""] : values;
    return calls.flatMap((value) => {
      if (!types.every((type) => fits(value, type))) return [];
      const given = list(types.map((type) => sql`${value}::text::${raw(type)}`));
      const object = { schema, name };
      return [{ label: signature, object, from: sql`${ident(object)}(${given})` }];
    });
  });
}

function fits(value: string, type: string): boolean {
  switch (type) {
    case "text":
    case "character varying":
      return true;
    case "uuid":
      return /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(value);
    case "integer":
      return /^-?[0-9]{1,9}$/.test(value);
    case "bigint":
      return /^-?[0-9]{1,18}$/.test(value);
    default:
      return false;
  }
}

/** The keys of others' rows, of tables that have a key of one column. */
async function othersKeys({ queries, fences, tenancy, foreign }: AttackSetup): Promise<string[]> {
  const keys: string[] = [];
  for (const { relation } of fences) {
    const [key, ...further] = await queries.rows(
      sql`
        SELECT a.attname::text AS name
          FROM pg_index i
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
         WHERE i.indrelid = ${textOf(ident(relation))}::text::regclass
           AND i.indisprimary
      `,
      z.object({ name: z.string() }),
    );
    if (key === undefined || further.length > 0) continue;
    const rows = await queries.rows(
      sql`
        SELECT ${ident(key.name)}::text AS key
          FROM ${ident(relation)}
         WHERE ${ident(tenancy.column)} = ${foreign}::uuid
         LIMIT 1
      `,
      z.object({ key: z.string() }),
    );
    keys.push(...rows.map(({ key: value }) => value));
  }
  return [...new Set(keys)];
}
