import { partitionsOf } from "../catalog/partitions.ts";
import type { Relation } from "../catalog/relations.ts";
import { findRelation, type Snapshot } from "../catalog/snapshot.ts";
import type { Settings, TenantTable } from "../config/settings.ts";
import type { Queries, Target } from "../postgres/connection.ts";
import { ident, type RelationName } from "../postgres/sql.ts";
import type { Stage } from "../steps/model/stage.ts";

/** What a check found, as it tells it; without a reason of its own it has the check's. */
export type Found = {
  /** Blocking: a stage would fail, or would not protect. Advisory: it would cost something. */
  readonly severity: "blocking" | "advisory";
  readonly what: { readonly object: string; readonly fact: string };
  readonly why?: string;
  /** The command or action that fixes it. */
  readonly fix: string;
};

/** The commands that write to the database. */
export type WritingCommand = "run" | "rollback";

/** What checks look at, all of it to be read only. */
export type CheckContext = {
  /** Within one read-only transaction that ends by itself after some seconds. */
  readonly queries: Queries;
  readonly target: Target;
  readonly pooled: boolean;
  readonly snapshot: Snapshot;
  readonly settings: Settings;
  /** The stages that are still to be begun, or the one that was named. */
  readonly stages: readonly Stage[];
  /** Relative paths of the configuration start here. */
  readonly folder: string;
};

export type Check = {
  /** Unique: `standby`. */
  readonly id: string;
  readonly title: string;
  /** Why it matters, where a finding has no reason of its own. */
  readonly why: string;
  /** The commands that are refused by what it finds to be blocking, before they write. */
  readonly stops: readonly WritingCommand[];
  readonly find: (context: CheckContext) => Promise<readonly Found[]>;
};

/** A tenant table of the stages ahead, as it is configured and as it is. */
export type TableAhead = TenantTable & { readonly existing: Relation };

/** The tenant tables that the stages ahead work on; those that are missing are a fault elsewhere. */
export function tablesAhead({ settings, snapshot, stages }: CheckContext): readonly TableAhead[] {
  const days = (["day1", "day2"] as const).filter((day) =>
    stages.some(({ name }) => name === day || name === "day3"),
  );
  return days
    .flatMap((day) => settings.tables[day])
    .flatMap((table) => {
      const existing = findRelation(snapshot, table.relation);
      const isTable = existing?.kind === "table" || existing?.kind === "partitioned table";
      return isTable ? [{ ...table, existing }] : [];
    });
}

/** Their names as `regclass` reads them, for a parameter; those of their partitions too. */
export function namesAhead(context: CheckContext): string[] {
  return tablesAhead(context).flatMap((table) => withPartitions(context, table).map(quoted));
}

/** A table and its partitions, at every level. */
export function withPartitions(
  { snapshot }: CheckContext,
  { relation }: TableAhead,
): readonly RelationName[] {
  return [relation, ...partitionsOf(snapshot.relations, relation)];
}

/** A name as it goes into a statement that fixes something. */
export function quoted(name: string | RelationName): string {
  return ident(name).parts.join("");
}
