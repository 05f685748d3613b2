import { relationKey } from "../config/relation-name.ts";
import type { RelationName } from "../postgres/sql.ts";
import type { Relation } from "./relations.ts";

/** The partitions of a table at every level, parents first; empty if it is not partitioned. */
export function partitionsOf(
  relations: readonly Relation[],
  parent: RelationName,
): readonly Relation[] {
  const below = new Map<string, Relation[]>();
  for (const relation of relations) {
    if (relation.partitionOf === null) continue;
    const key = relationKey(relation.partitionOf);
    below.set(key, [...(below.get(key) ?? []), relation]);
  }
  const descend = (above: RelationName): Relation[] =>
    (below.get(relationKey(above)) ?? []).flatMap((one) => [one, ...descend(one)]);
  return descend(parent);
}

/** The topmost table of a partition tree; for any other table, the table itself. */
export function rootOf(relations: readonly Relation[], relation: Relation): Relation {
  const { partitionOf } = relation;
  if (partitionOf === null) return relation;
  const parent = relations.find((one) => relationKey(one) === relationKey(partitionOf));
  return parent === undefined ? relation : rootOf(relations, parent);
}

/** Whether a table is partitioned, a partition, or part of an inheritance tree (INHERITS). */
export function isInTree(relation: Relation): boolean {
  return (
    relation.inherits || relation.partitionOf !== null || relation.kind === "partitioned table"
  );
}
