import { isInTree } from "./partitions.ts";
import type { ForeignKey, Relation } from "./relations.ts";
import type { Snapshot } from "./snapshot.ts";

/** Why a foreign key between two tenant tables cannot name the organization too, or undefined. */
export function whyKeyStays(
  { server }: Pick<Snapshot, "server">,
  key: ForeignKey,
  { child, parent }: { readonly child: Relation; readonly parent: Relation },
): string | undefined {
  const { onUpdate, onDelete } = key;
  const sets = (action: ForeignKey["onDelete"]) =>
    action === "SET NULL" || action === "SET DEFAULT";
  if (isInTree(child) || !key.own) return "is of a partition or an inheriting table";
  if (isInTree(parent)) return "references a partitioned table";
  if (!key.valid) return "is NOT VALID: validate it first";
  if (key.temporal) return "is over a PERIOD";
  if (key.matchFull) return "is MATCH FULL, which a column that is never NULL would break";
  if (sets(onUpdate)) return `has ON UPDATE ${onUpdate}, which would take the organization too`;
  if (sets(onDelete) && server.version < 150_000) {
    return `has ON DELETE ${onDelete}, which takes the organization too before PostgreSQL 15`;
  }
  return undefined;
}
