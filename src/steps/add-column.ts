import { ident, literal, type Some, type Sql, sql } from "../postgres/sql.ts";
import { attributeRows, stopAttributing } from "./attribution.ts";
import { columnWhere, exists } from "./checks.ts";
import type { Down, TransactionStep } from "./step.ts";
import {
  existingColumn,
  existingForeignKey,
  isFilledByDefault,
  namesOf,
  stepId,
  type TablePlan,
} from "./table-plan.ts";

/**
 * The column, its foreign key (not yet validated), and what gives new rows their organization while
 * the application does not: the old application keeps working until Day 3 ends.
 */
export function addColumn(table: TablePlan): TransactionStep {
  const { relation, tenancy } = table;
  return {
    id: stepId(table, "column"),
    title: existingColumn(table) ? "complete the column" : "add the column",
    table: relation,
    mode: "transaction",
    // ADD FOREIGN KEY locks the referenced table too, against its writers.
    lock: { level: "ACCESS EXCLUSIVE", on: [relation, tenancy.organizations] },
    up: columnUp(table),
    down: columnDown(table),
    verify: [
      exists(
        `${table.label}.${tenancy.column} is a uuid`,
        columnWhere(relation, tenancy.column, sql`a.atttypid = 'uuid'::regtype`),
      ),
      exists(
        `${table.label}.${tenancy.column} references the organizations`,
        columnWhere(
          relation,
          tenancy.column,
          sql`EXISTS (SELECT FROM pg_constraint k
                       WHERE k.conrelid = c.oid
                         AND k.contype = 'f'
                         AND k.conkey = ARRAY[a.attnum]
                         AND k.confrelid = ${literal(`${ident(tenancy.organizations).parts.join("")}`)}::regclass)`,
        ),
      ),
    ],
  };
}

function columnUp(table: TablePlan): Some<Sql> {
  const { relation, tenancy } = table;
  const column = ident(tenancy.column);
  const foreignKey = sql`ADD CONSTRAINT ${ident(namesOf(table).foreignKey)}
    FOREIGN KEY (${column})
    REFERENCES ${ident(tenancy.organizations)} (id)
    NOT VALID`;
  if (existingColumn(table) !== undefined) {
    const attribution = attributeRows(table);
    if (existingForeignKey(table) !== undefined) return attribution;
    return [sql`ALTER TABLE ${ident(relation)}\n  ${foreignKey}`, ...attribution];
  }
  if (isFilledByDefault(table)) {
    return [
      sql`ALTER TABLE ${ident(relation)}
  ADD COLUMN ${column} uuid NOT NULL DEFAULT ${literal(tenancy.defaultOrganizationId)},
  ${foreignKey}`,
      // Existing rows keep the constant; rows from now on get their writer's organization.
      sql`ALTER TABLE ${ident(relation)}
  ALTER COLUMN ${column} SET DEFAULT ${ident(tenancy.helpers.writingOrganization)}()`,
    ];
  }
  return [
    sql`ALTER TABLE ${ident(relation)}
  ADD COLUMN ${column} uuid,
  ${foreignKey}`,
    ...attributeRows(table),
  ];
}

function columnDown(table: TablePlan): Down {
  const { relation, tenancy } = table;
  if (existingColumn(table) === undefined) {
    const drop = sql`ALTER TABLE IF EXISTS ${ident(relation)}
  DROP COLUMN IF EXISTS ${ident(tenancy.column)}`;
    const loses = `which organization each row of ${table.label} belongs to`;
    return isFilledByDefault(table)
      ? { kind: "lossy", sql: [drop], loses }
      : { kind: "lossy", sql: [...stopAttributing(table), drop], loses };
  }
  const [first, ...others] = stopAttributing(table);
  if (existingForeignKey(table) !== undefined) return { kind: "exact", sql: [first, ...others] };
  const dropKey = sql`ALTER TABLE IF EXISTS ${ident(relation)}
  DROP CONSTRAINT IF EXISTS ${ident(namesOf(table).foreignKey)}`;
  return { kind: "exact", sql: [first, ...others, dropKey] };
}
