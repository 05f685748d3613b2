import { type Sql, sql } from "../../postgres/sql.ts";

/** Where a row is, as text: a ctid alone tells it within one partition only. */
export const rowLocation: Sql = sql`tableoid::text || ' ' || ctid::text`;

/** The condition that a row is at one of these locations. */
export function isAtOneOf(locations: readonly string[]): Sql {
  const pages = locations.map((location) => location.slice(location.indexOf(" ") + 1));
  // The ctid alone is what the server finds rows by.
  return sql`ctid = ANY (${pages}::tid[])
         AND ${rowLocation} = ANY (${[...locations]}::text[])`;
}
