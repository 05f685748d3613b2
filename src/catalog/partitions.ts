import type { RelationName } from "../postgres/sql.ts";
import type { Relation } from "./relations.ts";

/** The partitions of a table at every level, each before its own; none where it is not partitioned. */
export function partitionsOf(
  relations: readonly Relation[],
  parent: RelationName,
): readonly Relation[] {
  const below = new Map<string, Relation[]>();
  for (const relation of relations) {
    if (relation.partitionOf === null) continue;
    const key = keyOf(relation.partitionOf);
    below.set(key, [...(below.get(key) ?? []), relation]);
  }
  const descend = (above: RelationName): Relation[] =>
    (below.get(keyOf(above)) ?? []).flatMap((one) => [one, ...descend(one)]);
  return descend(parent);
}

/** The topmost table of the tree that a partition is in; the table itself where it is in none. */
export function rootOf(relations: readonly Relation[], relation: Relation): Relation {
  const { partitionOf } = relation;
  if (partitionOf === null) return relation;
  const parent = relations.find((one) => keyOf(one) === keyOf(partitionOf));
  return parent === undefined ? relation : rootOf(relations, parent);
}

/** Whether a table is partitioned, a partition, or in a tree of INHERITS. */
export function isInTree(relation: Relation): boolean {
  return (
    relation.inherits || relation.partitionOf !== null || relation.kind === "partitioned table"
  );
}

function keyOf({ schema, name }: RelationName): string {
  return JSON.stringify([schema, name]);
}
