import { isInTree } from "./partitions.ts";
import type { ForeignKey, Relation } from "./relations.ts";
import type { Snapshot } from "./snapshot.ts";

/** Why the organization cannot be added to a foreign key between two tenant tables; undefined if it can. */
export function whyKeyStays(
  { server }: Pick<Snapshot, "server">,
  key: ForeignKey,
  { child, parent }: { readonly child: Relation; readonly parent: Relation },
): string | undefined {
  const { onUpdate, onDelete } = key;
  const sets = (action: ForeignKey["onDelete"]) =>
    action === "SET NULL" || action === "SET DEFAULT";
  if (isInTree(child) || !key.own) return "belongs to a partition or an inheriting table";
  if (isInTree(parent)) return "references a partitioned table";
  if (!key.valid) return "is NOT VALID: validate it first";
  if (key.temporal) return "has a PERIOD";
  if (key.matchFull) return "is MATCH FULL, which does not work with a column that is never NULL";
  if (sets(onUpdate)) return `has ON UPDATE ${onUpdate}, which would also set the organization`;
  if (sets(onDelete) && server.version < 150_000) {
    return `has ON DELETE ${onDelete}, which would also set the organization before PostgreSQL 15`;
  }
  return undefined;
}
