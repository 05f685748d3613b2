import { findRelation, type Snapshot } from "../catalog/snapshot.ts";
import { relationKey } from "../config/relation-name.ts";
import { configuredName, type Settings } from "../config/settings.ts";
import type { RelationName } from "../postgres/sql.ts";
import type { StageName } from "../steps/model/stage.ts";

/** A table that the configuration names and the database has, and that no applied run has fenced. */
export type NewTable = {
  readonly relation: RelationName;
  readonly label: string;
  /** Where the configuration names it: `day2.tables`. */
  readonly setting: string;
  /** The stage that fences such tables. */
  readonly stage: StageName;
  /** The table that its rows get their organization from. */
  readonly via: string | undefined;
};

/** @param fenced the tables that applied runs have fenced, from the journal */
export function newTables(
  settings: Settings,
  snapshot: Snapshot,
  fenced: readonly { readonly relation: RelationName; readonly as: string }[],
): readonly NewTable[] {
  const known = new Set(fenced.map(({ relation, as }) => `${as} ${relationKey(relation)}`));
  const { tables, shared, profiles, names } = settings;
  const all = [
    ...tables.day1.map(({ relation }) => named(relation, "tenant table", "day1.tables", "day1")),
    ...tables.day2.map(({ relation }) => named(relation, "tenant table", "day2.tables", "day2")),
    ...profiles.map(({ relation }) => named(relation, "profile", "profiles", "day2")),
    ...shared.map(({ relation }) => named(relation, "shared table", "sharedTables", "day3")),
  ];
  return all.flatMap(({ relation, as, setting, stage }) => {
    const existing = findRelation(snapshot, relation);
    if (existing === undefined) return [];
    // One of the same name that was dropped and created again has none of it.
    const isAnother =
      as === "tenant table"
        ? !existing.columns.some(({ name }) => name === names.organizationColumn)
        : !existing.rowSecurity && existing.policies.length === 0;
    if (known.has(`${as} ${relationKey(relation)}`) && !isAnother) return [];
    const source = [...tables.day1, ...tables.day2].find(
      (one) => relationKey(one.relation) === relationKey(relation),
    )?.source;
    const key =
      source?.kind === "via"
        ? existing.foreignKeys.find(({ columns }) => columns.includes(source.column))
        : undefined;
    const label = configuredName(relation, settings);
    const via =
      key === undefined ? undefined : relationKey({ schema: key.schema, name: key.table });
    return [{ relation, label, setting, stage, via }];
  });
}

function named(relation: RelationName, as: string, setting: string, stage: StageName) {
  return { relation, as, setting, stage };
}

/** The command that fences new tables. */
export function fenceCommand(tables: readonly Pick<NewTable, "label">[]): string {
  return ["tenantry fence", ...tables.map(({ label }) => quoted(label))].join(" ");
}

/** A name as a shell reads it. */
function quoted(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`;
}
