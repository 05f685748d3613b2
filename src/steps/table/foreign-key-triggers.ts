import { refersTo } from "../../catalog/orphans.ts";
import {
  functionBody,
  ident,
  list,
  literal,
  type RelationName,
  raw,
  type Some,
  type Sql,
  sql,
} from "../../postgres/sql.ts";
import { digestOf, nameFor } from "../model/naming.ts";
import type { CrossingKey } from "./foreign-key-definition.ts";

/**
 * Triggers that enforce for new writes what the new foreign key will: a row and the row that it
 * references have the same organization. They work beside the old foreign key, which guarantees that the
 * referenced row exists, and they check at COMMIT, so that one transaction may change both rows.
 *
 * 1. A row is written: the row that it references is read with FOR KEY SHARE, as PostgreSQL's own foreign
 *    keys do. The unique index over the organization and the referenced columns must exist by then:
 *    because of it, an UPDATE of the organization conflicts with that lock.
 * 2. A referenced row changes its organization, or is deleted and inserted again in one transaction: no
 *    row of another organization may reference it. PostgreSQL's own foreign keys see rows that were
 *    committed after the snapshot of a REPEATABLE READ transaction. A trigger cannot, so there it
 *    raises a serialization failure.
 *
 * A second foreign key would do the same, but programs that read the foreign keys (PostgREST, pg_graphql)
 * would find two relationships between the tables and refuse queries that do not name one.
 */
export function createTriggers(crossing: CrossingKey): Some<Sql> {
  const { child, parent, key } = crossing;
  const functions = functionsOf(crossing);
  const own = [child.tenancy.column, ...key.columns];
  const referenced = [child.tenancy.column, ...key.referencedColumns];
  const references = list(
    own.map((column) => sql`NEW.${ident(column)} IS NOT NULL`),
    " AND ",
  );
  const changed = (columns: readonly string[]) =>
    sql`${record("OLD", columns)} OPERATOR(pg_catalog.*<>) ${record("NEW", columns)}`;
  const create = (
    event: TriggerEvent,
    { on, condition, calls }: { on: RelationName; condition: Sql; calls: RelationName },
  ) => sql`CREATE CONSTRAINT TRIGGER ${ident(triggerName(crossing, event))}
  AFTER ${raw(events[event])} ON ${ident(on)}
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW
  WHEN (${condition})
  EXECUTE FUNCTION ${ident(calls)}()`;
  const referencing = { on: child.relation, calls: functions.referencing };
  const ofReferenced = { on: parent.relation, calls: functions.referenced };
  return [
    ...createFunction(functions.referencing, referencingBody(crossing)),
    ...createFunction(functions.referenced, referencedBody(crossing)),
    create("insert", { ...referencing, condition: references }),
    create("update", { ...referencing, condition: sql`${references} AND ${changed(own)}` }),
    create("referenced_update", { ...ofReferenced, condition: changed(referenced) }),
    create("referenced_delete", { ...ofReferenced, condition: sql`TRUE` }),
  ];
}

/** Drops the triggers and their functions, where they are still there. */
export function dropTriggers(crossing: CrossingKey): Some<Sql> {
  const { child, parent } = crossing;
  const { referencing, referenced } = functionsOf(crossing);
  const drop = (event: TriggerEvent, on: RelationName) =>
    sql`DROP TRIGGER IF EXISTS ${ident(triggerName(crossing, event))} ON ${ident(on)}`;
  return [
    drop("insert", child.relation),
    drop("update", child.relation),
    drop("referenced_update", parent.relation),
    drop("referenced_delete", parent.relation),
    sql`DROP FUNCTION IF EXISTS ${ident(referencing)}()`,
    sql`DROP FUNCTION IF EXISTS ${ident(referenced)}()`,
  ];
}

const events = {
  insert: "INSERT",
  update: "UPDATE",
  referenced_update: "UPDATE",
  referenced_delete: "DELETE",
} as const;

type TriggerEvent = keyof typeof events;

function triggerName({ key }: CrossingKey, event: TriggerEvent): string {
  return nameFor("~", key.name, `_${event}`);
}

/** Foreign keys of several tables may have the same name; the functions are all in one schema. */
function functionsOf({ key, child }: CrossingKey): {
  readonly referencing: RelationName;
  readonly referenced: RelationName;
} {
  const { schema } = child.tenancy.helpers;
  const table = digestOf(`${child.relation.schema}.${child.relation.name}`);
  const name = (before: string) => ({ schema, name: nameFor(before, key.name, `~${table}`) });
  return { referencing: name("check_"), referenced: name("check_referenced_") };
}

/** It must see the rows of all organizations, as PostgreSQL's own foreign keys do. */
function createFunction(name: RelationName, body: Sql): readonly [Sql, Sql] {
  return [
    sql`CREATE FUNCTION ${ident(name)}()
  RETURNS trigger
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS ${functionBody(body)}`,
    sql`REVOKE ALL ON FUNCTION ${ident(name)}() FROM PUBLIC`,
  ];
}

/** The row may be another by the time of COMMIT; the trigger fires for each version that was written. */
function referencingBody(crossing: CrossingKey): Sql {
  const { key, child, parent } = crossing;
  const { column } = child.tenancy;
  const own = [column, ...key.columns];
  const equal = [
    sql`parent.${ident(column)} = NEW.${ident(column)}`,
    ...key.columns.map(
      (name, place) =>
        sql`parent.${ident(key.referencedColumns[place] ?? "")} ${raw(key.operators[place] ?? "=")} NEW.${ident(name)}`,
    ),
  ];
  return sql`
BEGIN
  PERFORM FROM ${ident(parent.relation)} AS parent
    WHERE ${list(equal, "\n      AND ")}
      FOR KEY SHARE;
  IF NOT FOUND AND EXISTS (
       SELECT
         FROM ${ident(child.relation)} AS record
        WHERE ${record("record", own)} OPERATOR(pg_catalog.*=) ${record("NEW", own)})
  THEN
    ${violation(crossing, `insert or update on table ${inQuotes(child.relation.name)} violates foreign key constraint ${inQuotes(key.name)}`)}
  END IF;
  RETURN NULL;
END`;
}

function referencedBody(crossing: CrossingKey): Sql {
  const { key, child, parent } = crossing;
  const column = ident(child.tenancy.column);
  const same = list(
    key.referencedColumns.map(
      (name, place) => sql`parent.${ident(name)} ${equality(crossing, place)} OLD.${ident(name)}`,
    ),
    " AND ",
  );
  return sql`
BEGIN
  -- Without such a row, the foreign key that is in force guarantees that none references it.
  IF NOT EXISTS (SELECT FROM ${ident(parent.relation)} AS parent WHERE ${same}) THEN
    RETURN NULL;
  END IF;
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    RAISE serialization_failure
      USING MESSAGE = ${literal(`could not serialize access: a row of ${parent.label} changes its ${child.tenancy.column} while ${key.name} is replaced`)},
            HINT = 'Use READ COMMITTED, or retry when Day 3 of Tenantry is finished.';
  END IF;
  IF EXISTS (
       SELECT
         FROM ${ident(parent.relation)} AS parent
         JOIN ${ident(child.relation)} AS record ON ${refersTo(key)}
        WHERE ${same}
          AND record.${column} <> parent.${column})
  THEN
    ${violation(crossing, `update or delete on table ${inQuotes(parent.relation.name)} violates foreign key constraint ${inQuotes(key.name)} on table ${inQuotes(child.relation.name)}`)}
  END IF;
  RETURN NULL;
END`;
}

/** An application finds the same SQLSTATE and constraint as in an error of the foreign key itself. */
function violation({ key, child }: CrossingKey, message: string): Sql {
  return sql`RAISE foreign_key_violation
      USING MESSAGE = ${literal(message)},
            DETAIL = ${literal(`A row and the row that it references must have the same ${child.tenancy.column}.`)},
            SCHEMA = ${literal(child.relation.schema)},
            TABLE = ${literal(child.relation.name)},
            CONSTRAINT = ${literal(key.name)};`;
}

/** What compares two values of a referenced column: its type may be no built-in one. */
function equality({ key, child, parent }: CrossingKey, place: number): Sql {
  const typeOf = (table: typeof child, column: string | undefined) =>
    table.existing.columns.find(({ name }) => name === column)?.type;
  const same = typeOf(child, key.columns[place]) === typeOf(parent, key.referencedColumns[place]);
  return raw((same ? key.operators[place] : undefined) ?? "=");
}

/** A composite value of columns. Without the cast, PostgreSQL would compare column by column, and has no `*=` for those. */
function record(of: "OLD" | "NEW" | "record", columns: readonly string[]): Sql {
  return sql`ROW(${list(columns.map((column) => sql`${raw(of)}.${ident(column)}`))})::record`;
}

/** As PostgreSQL quotes names in its messages. */
function inQuotes(name: string): string {
  return `"${name}"`;
}
