import { z } from "zod";
import { ident, list, type Sql, sql } from "../postgres/sql.ts";
import type { Trial } from "./trial.ts";

/**
 * An INSERT with the values of a row, as far as the role of requests may give them. A key that has a
 * default is left to it: the row's own is taken.
 */
export async function insertLike({
  queries,
  fence,
  tenancy,
  settings,
  place,
}: Pick<Trial, "queries" | "fence" | "tenancy" | "settings"> & {
  /** Where the row is, as ctid; without one, no value is given but the organization. */
  readonly place: string | undefined;
}): Promise<(organization: string | null) => Sql> {
  const table = ident(fence.relation);
  const column = ident(tenancy.column);
  const [sample] = await queries.rows(
    sql`
      SELECT (record.*)::text AS record
        FROM ${table} AS record
       WHERE record.ctid = ${place ?? null}::tid
    `,
    z.object({ record: z.string() }),
  );
  const given = await queries.rows(
    sql`
      SELECT a.attname::text AS name
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = ${fence.relation.schema}
         AND c.relname = ${fence.relation.name}
         AND a.attnum > 0
         AND NOT a.attisdropped
         AND a.attgenerated = ''
         AND a.attidentity = ''
         AND a.attname <> ${tenancy.column}
         AND NOT (a.atthasdef AND EXISTS (SELECT
                                            FROM pg_index i
                                           WHERE i.indrelid = c.oid
                                             AND i.indisunique
                                             AND a.attnum = ANY (i.indkey)))
         AND has_column_privilege(${settings.roles.signedIn}::text, c.oid, a.attnum, 'INSERT')
    `,
    z.object({ name: z.string() }),
  );
  return (organization) => {
    if (sample === undefined) {
      return sql`INSERT INTO ${table} (${column}) VALUES (${organization}::uuid)`;
    }
    const names = given.map(({ name }) => ident(name));
    const values = names.map((name) => sql`(sample.record).${name}`);
    return sql`
      INSERT INTO ${table} (${list([column, ...names])})
      SELECT ${list([sql`${organization}::uuid`, ...values])}
        FROM (SELECT ${sample.record}::${table} AS record) AS sample
    `;
  };
}
