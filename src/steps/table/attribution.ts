import { functionBody, ident, list, type Some, type Sql, sql } from "../../postgres/sql.ts";
import { organizationOf } from "../model/sources.ts";
import { namesOf, type TablePlan } from "../model/table-plan.ts";

/**
 * A trigger that sets the organization of a row that is written without one: from the table's source,
 * or else, for a new row, the writer's organization. It fires on UPDATE too: a row that is updated
 * before the backfill reaches it moves to another page, maybe one before the cursor. An existing row
 * gets its organization from the source only. Otherwise the backfill's own UPDATE would put every row
 * without a source into the default organization.
 */
export function attributeRows(table: TablePlan): Some<Sql> {
  const { relation, tenancy } = table;
  const { attribution, trigger } = namesOf(table);
  const column = ident(tenancy.column);
  // TG_OP stays out of the queries: a column of the table may have that name.
  const body = sql`
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT coalesce(
             ${organizationOf(table.source, "error", tenancy)},
             ${ident(tenancy.helpers.writingOrganization)}())
      INTO NEW.${column}
      FROM (SELECT NEW.*) AS record;
  ELSE
    SELECT ${organizationOf(table.source, table.unattributed, tenancy)}
      INTO NEW.${column}
      FROM (SELECT NEW.*) AS record;
  END IF;
  RETURN NEW;
END`;
  return [
    sql`CREATE FUNCTION ${ident(attribution)}()
  RETURNS trigger
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = ${list([...table.searchPath, "pg_temp"].map((schema) => ident(schema)))}
  AS ${functionBody(body)}`,
    sql`CREATE TRIGGER ${ident(trigger)}
  BEFORE INSERT OR UPDATE ON ${ident(relation)}
  FOR EACH ROW
  WHEN (NEW.${column} IS NULL)
  EXECUTE FUNCTION ${ident(attribution)}()`,
  ];
}

/** Drops the trigger and its function. */
export function stopAttributing(table: TablePlan): Some<Sql> {
  const { attribution, trigger } = namesOf(table);
  return [
    sql`DROP TRIGGER IF EXISTS ${ident(trigger)} ON ${ident(table.relation)}`,
    sql`DROP FUNCTION IF EXISTS ${ident(attribution)}()`,
  ];
}
