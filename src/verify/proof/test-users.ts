import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, list, raw, type Sql, sql, textOf } from "../../postgres/sql.ts";
import type { Tenancy } from "../../steps/model/tenancy.ts";
import { madeUp, type RowColumn, rowColumns } from "../rows/insert-like.ts";
import { madeUpRow } from "../rows/made-up-row.ts";
import { attemptRows, withoutTriggers } from "./attempt.ts";

const oneUser = z.object({ user: z.string() });

/**
 * The users who play the personas: two new ones, whom no function can know and whose rows nobody waits for,
 * then two who exist, at random positions of their table.
 * @param silences whether this session may keep triggers from firing: those of users may send mail
 */
export async function findTestUsers(
  queries: Queries,
  tenancy: Tenancy,
  silences: boolean,
): Promise<readonly string[]> {
  const made: string[] = [];
  const insert = silences ? await insertOfUser(queries, tenancy) : undefined;
  while (insert !== undefined && made.length < 2) {
    const outcome = await withoutTriggers(queries, () => attemptRows(queries, insert, oneUser));
    const [row] = outcome.kind === "done" ? outcome.rows : [];
    if (row === undefined) break;
    made.push(row.user);
  }
  const lent = (await existing(queries, tenancy)).filter((user) => !made.includes(user));
  return [...made, ...lent];
}

/** A new user like an existing one, in other unique columns another; or with what a user needs at least. */
async function insertOfUser(queries: Queries, { users }: Tenancy): Promise<Sql | undefined> {
  const { relation, id } = users;
  const table = ident(relation);
  const plain = madeUp({ type: users.idType, length: null });
  if (plain === undefined) return undefined;
  // An application may take a negative number for no user.
  const isNumber = ["smallint", "integer", "bigint", "numeric"].includes(users.idType);
  const value = isNumber ? sql`abs(${plain})` : plain;
  const [sample] = await queries.rows(
    sql`SELECT (record.*)::text AS record FROM ${table} AS record LIMIT 1`,
    z.object({ record: z.string() }),
  );
  const columns = await rowColumns(queries, relation, { column: id, role: undefined });
  const rest =
    sample === undefined ? await madeUpRow(queries, relation, id) : columns.map(valueLikeSamples);
  if (rest === undefined) return undefined;
  const values = [{ name: ident(id), value }, ...rest];
  return sql`
    INSERT INTO ${table} AS made (${list(values.map(({ name }) => name))})
           OVERRIDING SYSTEM VALUE
    SELECT ${list(values.map((one) => one.value))}
      FROM (SELECT ${sample?.record ?? null}::${table} AS record) AS sample
 RETURNING made.${ident(id)}::text AS "user"
  `;
}

/** Another value where it is unique, and an address where the sample's is one; otherwise the sample's. */
function valueLikeSamples(column: RowColumn): { readonly name: Sql; readonly value: Sql } {
  const name = ident(column.name);
  const own = sql`(sample.record).${name}`;
  const unique = column.unique ? madeUp(column) : undefined;
  if (unique === undefined) return { name, value: own };
  const isText = ["text", "character varying", "citext"].includes(column.type);
  const address = sql`CASE WHEN ${own}::text LIKE '%@%' THEN ${unique} || '@example.invalid' ELSE ${unique} END`;
  return { name, value: isText ? address : unique };
}

/** A sample of a few hundred, of which two are taken: a whole table is not sorted. */
async function existing(queries: Queries, { users }: Tenancy): Promise<readonly string[]> {
  const { relation, id } = users;
  const [facts] = await queries.rows(
    sql`
      SELECT c.relkind IN ('r', 'm') AS samples,
             greatest(c.reltuples, 1)::float8 AS rows
        FROM pg_class c
       WHERE c.oid = ${textOf(ident(relation))}::text::regclass
    `,
    z.object({ samples: z.boolean(), rows: z.number() }),
  );
  const percent = facts?.samples === true ? Math.min(100, (100 * 500) / facts.rows) : 100;
  const from =
    percent < 100
      ? sql`${ident(relation)} TABLESAMPLE BERNOULLI (${raw(String(percent))})`
      : ident(relation);
  const rows = await queries.rows(
    sql`
      SELECT few.${ident(id)}::text AS "user"
        FROM (SELECT ${ident(id)} FROM ${from} LIMIT 2000) AS few
       ORDER BY random()
       LIMIT 2
    `,
    oneUser,
  );
  return rows.map(({ user }) => user);
}
