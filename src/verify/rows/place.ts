import { type Sql, sql } from "../../postgres/sql.ts";

/** Where a row is, as text: a ctid alone tells it within one partition only. */
export const placeOfRow: Sql = sql`tableoid::text || ' ' || ctid::text`;

/** The condition that a row is at one of these places. */
export function isAt(places: readonly string[]): Sql {
  const pages = places.map((place) => place.slice(place.indexOf(" ") + 1));
  // The ctid alone is what the server finds rows by.
  return sql`ctid = ANY (${pages}::tid[])
         AND ${placeOfRow} = ANY (${[...places]}::text[])`;
}
