import { type Sql, sql } from "../../postgres/sql.ts";

/** Where a row is, as text: tableoid and ctid, since a ctid is unique within one partition only. */
export const rowLocation: Sql = sql`tableoid::text || ' ' || ctid::text`;

/** The condition that a row is at one of these locations. */
export function isAtOneOf(locations: readonly string[]): Sql {
  const pages = locations.map((location) => location.slice(location.indexOf(" ") + 1));
  // The server finds rows by the condition on the ctid alone.
  return sql`ctid = ANY (${pages}::tid[])
         AND ${rowLocation} = ANY (${[...locations]}::text[])`;
}
