import { parseRelationName, relationKey } from "../../config/relation-name.ts";
import { type Settings, tenantTableKeys } from "../../config/settings.ts";
import type { RelationName } from "../../postgres/sql.ts";

/** The configuration of the tables that code names. */
export type TenantTables = {
  /** The relation of a table's name in code. */
  relationOf(name: string, schema?: string): RelationName;
  hasOrganization(relation: RelationName): boolean;
  /** Whether the configuration lists it at all. */
  isListed(relation: RelationName): boolean;
  isLookup(relation: RelationName, column: string): boolean;
  /** The columns of unique constraints that now include the organization. */
  uniquePerOrganization(relation: RelationName): readonly string[];
};

/** The tables of a configuration, by their names in code. */
export function tenantTablesOf(settings: Settings): TenantTables {
  const { schema, code, names, users } = settings;
  const tenant = new Set(tenantTableKeys(settings));
  const others = [...settings.shared, ...settings.exempt].map(({ relation }) => relation);
  const listed = new Set([
    ...tenant,
    ...[...others, names.organizations, names.memberships, users.relation].map(relationKey),
  ]);
  const byRelation = (said: Readonly<Record<string, readonly string[]>>) =>
    new Map(
      Object.entries(said).flatMap(([text, columns]) => {
        const relation = parseRelationName(text, schema);
        return relation === undefined ? [] : [[relationKey(relation), columns] as const];
      }),
    );
  const lookups = byRelation(code.lookups);
  const unique = byRelation(code.uniquePerOrganization);
  return {
    relationOf: (name, other = schema) => ({ schema: other, name }),
    hasOrganization: (relation) => tenant.has(relationKey(relation)),
    isListed: (relation) => listed.has(relationKey(relation)),
    isLookup: (relation, column) => lookups.get(relationKey(relation))?.includes(column) ?? false,
    uniquePerOrganization: (relation) => unique.get(relationKey(relation)) ?? [],
  };
}
