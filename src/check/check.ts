import { partitionsOf } from "../catalog/partitions.ts";
import type { Relation } from "../catalog/relations.ts";
import { findRelation, type Snapshot } from "../catalog/snapshot.ts";
import type { Settings, TenantTable } from "../config/settings.ts";
import type { Queries, Target } from "../postgres/connection.ts";
import { ident, type RelationName, textOf } from "../postgres/sql.ts";
import type { Stage } from "../steps/model/stage.ts";

/** What a check found. Without `why` it has the reason of the check. */
export type Found = {
  /** Blocking: a stage would fail, or would not isolate tenants. Advisory: it has a cost or a risk. */
  readonly severity: "blocking" | "advisory";
  readonly what: { readonly object: string; readonly fact: string };
  readonly why?: string;
  /** The command or action that fixes it. */
  readonly fix: string;
};

/** The commands that write to the database. */
export type WritingCommand = "run" | "rollback";

/** What checks read. */
export type CheckContext = {
  /** In a read-only transaction, with a statement_timeout and a lock_timeout. */
  readonly queries: Queries;
  readonly target: Target;
  readonly pooled: boolean;
  readonly snapshot: Snapshot;
  readonly settings: Settings;
  /** The stages that are not begun yet, or the one that was named. */
  readonly stages: readonly Stage[];
  /** The folder that relative paths of the configuration start at. */
  readonly folder: string;
};

/** What a caller passes; the transaction is the check's. */
export type CheckSubject = Omit<CheckContext, "queries" | "pooled">;

export type PreflightCheck = {
  /** Unique: `standby`. */
  readonly id: string;
  readonly title: string;
  /** Why it matters, for findings without a reason. */
  readonly why: string;
  /** The commands that its blocking findings stop before they write. */
  readonly stops: readonly WritingCommand[];
  readonly find: (context: CheckContext) => Promise<readonly Found[]>;
};

/** A tenant table of the stages ahead: its configuration, and its relation in the catalog. */
export type TableAhead = TenantTable & { readonly existing: Relation };

/** The tenant tables that the stages ahead change. Missing tables are reported by `configuration`. */
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

/** Their quoted names for a `regclass[]` parameter, with those of their partitions. */
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

/** A quoted name for the statement in a fix. */
export function quoted(name: string | RelationName): string {
  return textOf(ident(name));
}
