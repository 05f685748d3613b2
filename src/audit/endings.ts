import { rootOf } from "../catalog/partitions.ts";
import type { Relation } from "../catalog/relations.ts";
import { relationKey } from "../config/relation-name.ts";
import type { Settings } from "../config/settings.ts";
import { bare, concerns } from "../events/concerns.ts";
import type { Finding } from "../events/finding.ts";
import { ident, type RelationName, textOf } from "../postgres/sql.ts";
import type { StageName } from "../steps/model/stage.ts";

/** Findings about a table that its stage ends: by its column, its fence and its revoked privileges. */
const endedByFence: readonly string[] = [
  "row-security-off",
  "no-guard",
  "nullable-organization",
  "truncate-granted",
  "trigger-granted",
  "references-granted",
  "shared-table-writable",
  "profile-open",
];

/** Findings that Day 3 ends where the configuration wants it, by the setting. */
const endedByHardening: Readonly<Record<string, keyof Settings["hardening"]>> = {
  "foreign-key-across": "foreignKeys",
  "unique-across": "uniqueConstraints",
  "definer-view": "views",
  "materialized-view": "materializedViews",
  "definer-search-path": "functions",
  "sequence-writable": "sequences",
  "default-privileges": "defaultPrivileges",
};

/**
 * The stage that ends a finding; undefined where none does, and somebody has to decide.
 * @param relations of the catalog: a partition goes with its table
 */
export function endOf(
  finding: Finding,
  settings: Settings,
  relations: readonly Relation[],
): StageName | undefined {
  const setting = endedByHardening[finding.id];
  if (setting !== undefined)
    return isHardened(finding, settings.hardening[setting]) ? "day3" : undefined;
  if (finding.id === "constant-default") return "day3";
  if (!endedByFence.includes(finding.id)) return undefined;
  const { tables, shared } = settings;
  const isOf = ({ relation }: { readonly relation: RelationName }) =>
    relations
      .filter((one) => relationKey(rootOf(relations, one)) === relationKey(relation))
      .some(({ schema, name }) => concerns(finding, textOf(ident({ schema, name }))));
  if (tables.day1.some(isOf)) return "day1";
  if (tables.day2.some(isOf) || settings.profiles.some(isOf)) return "day2";
  return shared.some(isOf) ? "day3" : undefined;
}

/** The setting that would end it, where it is not set: for the advice beside the finding. */
export function hardeningFor({ id }: Finding): string | undefined {
  const setting = id === "definer-function" ? "definerFunctions" : endedByHardening[id];
  return setting === undefined ? undefined : `hardening.${setting}`;
}

/** @param wanted as the configuration has it: `["all"]`, or names such as `table.constraint` */
function isHardened({ object }: Finding, wanted: readonly string[]): boolean {
  const words = new Set(wordsOf(object));
  return wanted.some((name) => name === "all" || wordsOf(name).every((word) => words.has(word)));
}

function wordsOf(name: string): string[] {
  return bare(name)
    .split(/[.\s(),]+/)
    .filter((word) => word !== "");
}
