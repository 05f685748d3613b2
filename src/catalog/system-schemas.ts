import { literal, type Sql, sql } from "../postgres/sql.ts";

/** The journal's schema. */
export const journalSchema = "tenantry";

/**
 * A condition: the schema does not belong to PostgreSQL (pg_catalog, information_schema, TOAST,
 * temporary tables).
 * @param name an SQL expression that is the schema's name
 */
export function isNoSystemSchema(name: Sql): Sql {
  return sql`${name} <> 'information_schema' AND ${name} NOT LIKE 'pg\\_%'`;
}

/**
 * A condition: the schema belongs neither to PostgreSQL (pg_catalog, information_schema, TOAST,
 * temporary tables) nor to the journal.
 * @param name an SQL expression that is the schema's name
 */
export function isUserSchema(name: Sql): Sql {
  return sql`(${isNoSystemSchema(name)} AND ${name} <> ${literal(journalSchema)})`;
}
