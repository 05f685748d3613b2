import { type Sql, sql } from "../postgres/sql.ts";

/** The journal's schema. */
export const journalSchema = "tenantry";

/**
 * A condition: the schema belongs neither to PostgreSQL (pg_catalog, information_schema, TOAST,
 * temporary tables) nor to the journal.
 * @param name an SQL expression that is the schema's name
 */
export function isUserSchema(name: Sql): Sql {
  return sql`(${name} <> 'information_schema' AND ${name} <> 'tenantry' AND ${name} NOT LIKE 'pg\\_%')`;
}
