import type { RelationName } from "../../postgres/sql.ts";
import type { Lookup } from "./lookup.ts";
import type { Value } from "./query.ts";
import type { RelationFacts } from "./routine.ts";

/** What the fence is made of, by name. */
export type Tenants = {
  /** The column of the organization. */
  readonly column: string;
  readonly fenced: readonly RelationName[];
  readonly shared: readonly RelationName[];
  readonly organizations: RelationName;
  readonly memberships: RelationName;
  /** The schema of the helpers, and their names; others in it are copies of guarded functions. */
  readonly helpers: string;
  readonly helperNames: readonly string[];
  /** The function that returns the current user. */
  readonly caller: RelationName;
  /** The functions that return organizations of the current user only. */
  readonly callersOrganizations: readonly RelationName[];
};

/** Whether a relation holds rows of organizations. */
export function isFenced({ fenced }: Tenants, relation: RelationName): boolean {
  return fenced.some((one) => isSame(one, relation));
}

export function isSame(one: RelationName, other: RelationName): boolean {
  return one.schema === other.schema && one.name === other.name;
}

/** The column of a relation that names the organization of its rows. */
export function organizationColumnOf(
  tenants: Tenants,
  relation: RelationFacts,
): string | undefined {
  const { column, organizations, memberships } = tenants;
  if (isSame(relation, organizations)) return "id";
  if (isSame(relation, memberships)) return "organization_id";
  // A table that is still to be fenced will have it.
  if (isFenced(tenants, relation)) return column;
  return relation.columns.includes(column) ? column : undefined;
}

/** Relations that hold or show rows of organizations: fenced tables, their partitions, and views over them. */
export function showsFenced(lookup: Lookup, tenants: Tenants): ReadonlySet<string> {
  const { relations, links } = lookup.routines;
  const shown = new Set(relations.filter((one) => isFenced(tenants, one)).map(({ oid }) => oid));
  const views = links.filter(
    ({ from, to, as }) =>
      from.startsWith("pg_class ") && to.startsWith("pg_class ") && as.startsWith("the view "),
  );
  for (let before = -1; before < shown.size; ) {
    before = shown.size;
    for (const { from, to } of views) if (shown.has(oidOf(to))) shown.add(oidOf(from));
  }
  return shown;
}

function oidOf(node: string): string {
  return node.slice(node.indexOf(" ") + 1);
}

/** What a value asks about the caller: their id, or their organizations. */
export function askedBy(
  { caller, callersOrganizations }: Tenants,
  value: Value,
): "caller" | "organizations" | undefined {
  if (value.kind !== "call") return undefined;
  const { schema, name } = value.function;
  const is = (one: RelationName) => one.name === name && one.schema === schema;
  if (is(caller) || (schema === "auth" && name === "uid")) return "caller";
  return callersOrganizations.some(is) ? "organizations" : undefined;
}
