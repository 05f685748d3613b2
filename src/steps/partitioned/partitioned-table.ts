import { ident, type Some, type Sql, sql } from "../../postgres/sql.ts";
import { exists, forNow, relationWhere } from "../model/checks.ts";
import type { Check, DatabaseStep, Down, Step, TransactionStep } from "../model/step.ts";
import { namesOf, type PartitionPlan, stepId, type TablePlan } from "../model/table-plan.ts";
import { backfill, giveLeftOverRows, rowsHaveTheirOrganization } from "../table/backfill.ts";
import { buildIndex, hasServingIndex, servingIndex } from "../table/build-index.ts";
import {
  constrain,
  foreignKey,
  foreignKeyHolds,
  foreignKeyNotValid,
  needsForeignKey,
  needsNotNull,
  validate,
} from "../table/constraints.ts";
import { fence } from "../table/fence.ts";
import { setNotNull } from "../table/not-null.ts";
import { restoreLeftOverRows, restoreRows } from "../table/restore-kept.ts";
import { validation } from "../table/validation.ts";
import { attachIndex, dropIndexes, indexOfPartitioned } from "./partitioned-index.ts";

/**
 * The steps of a partitioned table, in the same order as for any other. What reads or writes rows is a
 * step for each partition without partitions; what only changes the catalog is one step for the whole
 * tree. Partitions that are created meanwhile get column, index, trigger and constraints from their parent.
 * @param column the step that adds the column
 */
export function partitionedTable(
  table: TablePlan,
  partitions: readonly PartitionPlan[],
  column: TransactionStep,
): Some<Step> {
  const leaves = partitions.filter(({ existing }) => existing.kind === "table");
  const between = partitions.filter(({ existing }) => existing.kind !== "table");
  const { kept } = table;
  const withKey = needsForeignKey(table);
  const withNotNull = needsNotNull(table);
  return [
    column,
    ...(hasServingIndex(table) ? [] : index(table, between, leaves)),
    ...(kept === undefined
      ? []
      : [
          ...leaves.map((leaf) => ofPartition(leaf, restoreRows(leaf, kept))),
          restoreLeftOverRows(table, kept),
        ]),
    ...(withNotNull
      ? [
          ...leaves.map((leaf) => ofPartition(leaf, backfillPartition(leaf))),
          // From here on, PostgreSQL refuses to attach a partition that has a row without an organization.
          constrain(table),
          giveLeftOverRows(table),
        ]
      : []),
    ...(withKey ? leaves.map((leaf) => ofPartition(leaf, constrainPartition(table, leaf))) : []),
    ...(withKey || withNotNull
      ? leaves.map((leaf) => ofPartition(leaf, validatePartition(table, leaf)))
      : []),
    ...(withKey ? [takeForeignKeysOver(table)] : []),
    validate(table),
    ...(withNotNull ? [setNotNull(table)] : []),
    ...partitions.map((one) => ofPartition(one, fence(one))),
    fence(table),
  ];
}

/** A step of a partition. Its checks are not lasting: those of the whole table cover it later. */
function ofPartition<Kind extends DatabaseStep>(partition: PartitionPlan, step: Kind): Kind {
  const [first, ...others] = step.verify;
  const verify: Some<Check> = [forNow(first), ...others.map(forNow)];
  const { down } = step;
  return {
    ...step,
    ...{ verify, down: down.kind === "covered" ? coveredByTable(partition, down) : down },
    title: `${step.title}: ${partition.label}`,
    partitionOf: partition.root,
  };
}

/** A partition's step is covered by the same step of the whole table. */
function coveredByTable(
  { stage, rootLabel }: PartitionPlan,
  { by }: Extract<Down, { kind: "covered" }>,
): Down {
  return { kind: "covered", by: [stage, rootLabel, by.split("/").at(-1)].join("/") };
}

/**
 * A partitioned index cannot be built concurrently: the parents' indexes come first, invalid until the
 * index of each partition is attached. From then on PostgreSQL creates the index of a new partition.
 */
function index(
  table: TablePlan,
  between: readonly PartitionPlan[],
  leaves: readonly PartitionPlan[],
): Step[] {
  const down: Down = {
    kind: "exact",
    // Attached indexes are dropped with it.
    sql: [dropIndexes([table]), ...(leaves.length === 0 ? [] : [dropIndexes(leaves)])],
  };
  const covered: Down = { kind: "covered", by: stepId(table, "parent-index") };
  const last = leaves.at(-1);
  return [
    { ...indexOfPartitioned(table), down },
    ...between.map((one) => ofPartition(one, { ...indexOfPartitioned(one), down: covered })),
    ...leaves.flatMap((leaf) => {
      const attached = ofPartition(leaf, { ...attachIndex(leaf), down: covered });
      const [first, ...others] = attached.verify;
      return [
        ofPartition(leaf, { ...buildIndex(leaf), down: covered }),
        leaf === last
          ? { ...attached, verify: [first, ...others, servingIndex(table)] as const }
          : attached,
      ];
    }),
  ];
}

/** The other checks of rows are made once for the whole table, after all partitions. */
function backfillPartition(leaf: PartitionPlan) {
  const [complete] = rowsHaveTheirOrganization(leaf);
  return { ...backfill(leaf), verify: [complete] as const };
}

/** The table's foreign key on a partition, where it may be NOT VALID. */
function constrainPartition(table: TablePlan, leaf: PartitionPlan): TransactionStep {
  const { relation, tenancy } = leaf;
  const name = namesOf(table).foreignKey;
  return {
    id: stepId(leaf, "constraints"),
    title: "add the foreign key, NOT VALID",
    table: relation,
    mode: "transaction",
    lock: { level: "SHARE ROW EXCLUSIVE", on: [relation, tenancy.organizations] },
    up: [alter(relation, foreignKeyNotValid(table))],
    down: dropConstraint(relation, name),
    verify: [
      exists(
        `new rows of ${leaf.label} need an organization that exists`,
        relationWhere(
          relation,
          sql`EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.conname = ${name})`,
        ),
      ),
    ],
  };
}

/** Validates the constraints of a partition; writers do not wait. */
function validatePartition(table: TablePlan, leaf: PartitionPlan): TransactionStep {
  const names = namesOf(table);
  const constraints: string[] = [
    ...(needsForeignKey(table) ? [names.foreignKey] : []),
    ...(needsNotNull(table) ? [names.notNull] : []),
  ];
  const [first = names.foreignKey, ...others] = constraints;
  return {
    id: stepId(leaf, "validate"),
    title: "validate its constraints",
    table: leaf.relation,
    mode: "transaction",
    lock: { level: "SHARE UPDATE EXCLUSIVE", on: [leaf.relation] },
    up: [
      validation(leaf.relation, first),
      ...others.map((name) => validation(leaf.relation, name)),
    ],
    down: { kind: "covered", by: stepId(table, "column") },
    verify: [
      exists(
        `the constraints of ${leaf.label} are validated`,
        relationWhere(
          leaf.relation,
          sql`(SELECT count(*)
                 FROM pg_constraint k
                WHERE k.conrelid = c.oid
                  AND k.conname = ANY (${constraints}::text[])
                  AND k.convalidated) = ${constraints.length}`,
        ),
      ),
    ],
  };
}

function dropConstraint(relation: TablePlan["relation"], name: string): Down {
  return {
    kind: "exact",
    sql: [
      sql`ALTER TABLE IF EXISTS ${ident(relation)}
  DROP CONSTRAINT IF EXISTS ${ident(name)}`,
    ],
  };
}

/**
 * The foreign key of the partitioned table. PostgreSQL attaches the partitions' foreign keys to it where
 * they are the same and valid, without reading their rows again. It drops their triggers, for which it
 * locks the organizations.
 */
function takeForeignKeysOver(table: TablePlan): TransactionStep {
  const { relation, tenancy } = table;
  return {
    id: stepId(table, "parent-key"),
    title: "add the foreign key of the partitioned table",
    table: relation,
    mode: "transaction",
    lock: { level: "ACCESS EXCLUSIVE", on: [relation, tenancy.organizations] },
    up: [alter(relation, foreignKey(table))],
    down: dropConstraint(relation, namesOf(table).foreignKey),
    verify: [foreignKeyHolds(table)],
  };
}

function alter(relation: TablePlan["relation"], change: Sql): Sql {
  return sql`ALTER TABLE ${ident(relation)}
  ${change}`;
}
