import { refersTo } from "../../catalog/orphans.ts";
import {
  functionBody,
  ident,
  list,
  literal,
  raw,
  type Some,
  type Sql,
  sql,
  textOf,
} from "../../postgres/sql.ts";
import { organizationOf } from "../model/sources.ts";
import { namesOf, type SourceKey, type TablePlan } from "../model/table-plan.ts";
import { policyNames } from "./fence.ts";

/**
 * Triggers that set the organization of a row that is written without one: from the table's source,
 * or else, for a new row, the writer's organization. They fire on UPDATE too: a row that is updated
 * before the backfill reaches it moves to another page, maybe one before the cursor. An existing row
 * gets its organization from the source only. Otherwise the backfill's own UPDATE would put every row
 * without a source into the default organization.
 *
 * For requests behind the fence, rows of other organizations do not exist: where the source names one,
 * the answer is the same as for a row that is not there. One trigger cannot tell who writes, because its
 * function runs as its owner. So there are two, and WHEN tells, which runs as the writer.
 */
export function attributeRows(table: TablePlan): Some<Sql> {
  const { relation, tenancy } = table;
  const { attribution, trigger, triggerOfRequests } = namesOf(table);
  const column = ident(tenancy.column);
  const bound = sql`row_security_active(${literal(textOf(ident(relation)))}::regclass)`;
  const create = (name: string, condition: Sql, argument: Sql) => sql`CREATE TRIGGER ${ident(name)}
  BEFORE INSERT OR UPDATE ON ${ident(relation)}
  FOR EACH ROW
  WHEN (NEW.${column} IS NULL AND ${condition})
  EXECUTE FUNCTION ${ident(attribution)}(${argument})`;
  return [
    sql`CREATE FUNCTION ${ident(attribution)}()
  RETURNS trigger
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = ${list([...table.searchPath, "pg_temp"].map((schema) => ident(schema)))}
  AS ${functionBody(body(table))}`,
    create(trigger, sql`NOT ${bound}`, sql``),
    create(triggerOfRequests, bound, sql`'request'`),
  ];
}

/** Drops the triggers and their function. */
export function stopAttributing(table: TablePlan): Some<Sql> {
  const { attribution, trigger, triggerOfRequests } = namesOf(table);
  const drop = (name: string) =>
    sql`DROP TRIGGER IF EXISTS ${ident(name)} ON ${ident(table.relation)}`;
  return [
    drop(trigger),
    drop(triggerOfRequests),
    sql`DROP FUNCTION IF EXISTS ${ident(attribution)}()`,
  ];
}

/** Whether the row names a row that is not there for its request. Quoted, so that it is no column's name. */
const hidden = raw('"~hidden"');

/** TG_OP and other variables stay out of the queries on the row: a column of it may have that name. */
function body(table: TablePlan): Sql {
  const { source, tenancy } = table;
  const organization = sql`NEW.${ident(tenancy.column)}`;
  const told = sql`
SELECT ${organizationOf(source, "error", tenancy)}
  INTO ${organization}
  FROM (SELECT NEW.*) AS record;`;
  const ofCaller = sql`${organization} = ANY (ARRAY(SELECT ${ident(tenancy.helpers.callerOrganizations)}()))`;
  const blocks =
    source.kind === "default"
      ? // The default organization is the same for every row: it says nothing of others.
        [told]
      : [told, hide(table, ofCaller), otherwise(table), ...refuseHidden(table, ofCaller)];
  return sql`
DECLARE
  ${hidden} boolean := FALSE;
BEGIN
${list(blocks, "\n")}
RETURN NEW;
END`;
}

/** Before the table is fenced, requests may write for all organizations. */
function hide({ relation, tenancy }: TablePlan, ofCaller: Sql): Sql {
  return sql`
IF TG_NARGS > 0
   AND (${ofCaller}) IS NOT TRUE
   AND EXISTS (SELECT
                 FROM pg_catalog.pg_policy
                WHERE polrelid = coalesce(pg_partition_root(TG_RELID), TG_RELID)
                  AND polname = ${literal(policyNames(relation.name).guard)})
THEN
  NEW.${ident(tenancy.column)} := NULL;
  ${hidden} := TRUE;
END IF;`;
}

/** Where the source has none: a new row gets its writer's, another the default where that is configured. */
function otherwise({ tenancy, unattributed }: TablePlan): Sql {
  const organization = sql`NEW.${ident(tenancy.column)}`;
  const ofWriter = sql`${organization} := ${ident(tenancy.helpers.writingOrganization)}();`;
  if (unattributed === "error") {
    return sql`
IF ${organization} IS NULL AND TG_OP = 'INSERT' THEN
  ${ofWriter}
END IF;`;
  }
  return sql`
IF ${organization} IS NULL AND TG_OP = 'INSERT' THEN
  ${ofWriter}
ELSIF ${organization} IS NULL THEN
  ${organization} := ${literal(tenancy.defaultOrganizationId)};
END IF;`;
}

/**
 * A row that got its writer's organization passes the policies. A foreign key that names the organization
 * answers for itself, with the same error for another organization's row and for one that does not exist.
 * One that does not would accept the former: so this is refused here, both alike, with the key's own error.
 * A deferrable key is left alone: the row that is named may be inserted later in the transaction.
 */
function refuseHidden(table: TablePlan, ofCaller: Sql): Sql[] {
  const refusals = table.sourceKeys.map((named) => refusal(table, named));
  if (refusals.length === 0) return [];
  return [
    sql`
IF ${hidden} AND ${ofCaller} THEN
${list(refusals, "\n")}
END IF;`,
  ];
}

function refusal(table: TablePlan, { key, belongs }: SourceKey): Sql {
  const { relation, tenancy } = table;
  const given = key.columns.map((name) => sql`record.${ident(name)} IS NOT NULL`);
  const error = `insert or update on table "${relation.name}" violates foreign key constraint "${key.name}"`;
  return sql`
  IF EXISTS (SELECT
               FROM pg_catalog.pg_constraint k
              WHERE k.conrelid = coalesce(pg_partition_root(TG_RELID), TG_RELID)
                AND k.contype = 'f'
                AND k.conname = ${literal(key.name)}
                AND NOT k.condeferrable
                AND NOT EXISTS (SELECT
                                  FROM pg_catalog.pg_attribute a
                                 WHERE a.attrelid = k.conrelid
                                   AND a.attnum = ANY (k.conkey)
                                   AND a.attname = ${literal(tenancy.column)}))
     AND EXISTS (SELECT
                   FROM (SELECT NEW.*) AS record
                  WHERE ${list(given, " AND ")}
                    AND ${unreachable(table, { key, belongs })})
  THEN
    RAISE foreign_key_violation
      USING MESSAGE = ${literal(error)},
            DETAIL = ${literal(`Key is not present in table "${key.table}".`)},
            SCHEMA = ${literal(relation.schema)},
            TABLE = ${literal(relation.name)},
            CONSTRAINT = ${literal(key.name)};
  END IF;`;
}

/** Whether the row that `record` names is missing, or belongs to none of the caller's organizations. */
function unreachable({ tenancy }: TablePlan, { key, belongs }: SourceKey): Sql {
  const { column, memberships, helpers } = tenancy;
  const parent = ident({ schema: key.schema, name: key.table });
  const callers = sql`ANY (ARRAY(SELECT ${ident(helpers.callerOrganizations)}()))`;
  const among = (conditions: readonly Sql[]) =>
    sql`NOT EXISTS (SELECT FROM ${parent} AS parent WHERE ${list(conditions, " AND ")})`;
  switch (belongs) {
    case "by its organization":
      return among([refersTo(key), sql`parent.${ident(column)} = ${callers}`]);
    case "by memberships": {
      // A user of no organization is no other organization's.
      const user = sql`membership.user_id = record.${ident(key.columns[0] ?? "")}`;
      const member = sql`SELECT FROM ${ident(memberships)} AS membership WHERE ${user}`;
      return sql`(${among([refersTo(key)])}
                           OR (EXISTS (${member})
                               AND NOT EXISTS (${member} AND membership.organization_id = ${callers})))`;
    }
    default:
      return belongs satisfies never;
  }
}
