import type { TenantTable } from "../config/settings.ts";
import { ident, literal, type RelationName, raw, type Sql, sql } from "../postgres/sql.ts";
import type { Tenancy } from "./tenancy.ts";

/** A tenancy source with what the catalog adds to it: for `via`, where the foreign key leads. */
export type ResolvedSource =
  | { readonly kind: "default" }
  | {
      readonly kind: "via";
      readonly column: string;
      readonly parent: RelationName;
      readonly parentColumn: string;
    }
  | { readonly kind: "user"; readonly column: string }
  | { readonly kind: "sql"; readonly expression: string };

/** The organization of the row `record`, or NULL where the source cannot tell. */
export function organizationOf(
  source: ResolvedSource,
  unattributed: TenantTable["unattributed"],
  tenancy: Tenancy,
): Sql {
  const byDefault = sql`${literal(tenancy.defaultOrganizationId)}::uuid`;
  if (source.kind === "default") return byDefault;
  const told = toldBy(source, tenancy);
  return unattributed === "default" ? sql`coalesce(${told}, ${byDefault})` : told;
}

function toldBy(source: Exclude<ResolvedSource, { kind: "default" }>, tenancy: Tenancy): Sql {
  switch (source.kind) {
    case "via":
      return sql`(SELECT parent.${ident(tenancy.column)}
                    FROM ${ident(source.parent)} AS parent
                   WHERE parent.${ident(source.parentColumn)} = record.${ident(source.column)})`;
    case "user":
      // HAVING, since a user of several organizations tells nothing for certain.
      return sql`(SELECT (array_agg(membership.organization_id))[1]
                    FROM ${ident(tenancy.memberships)} AS membership
                   WHERE membership.user_id = record.${ident(source.column)}
                  HAVING count(*) = 1)`;
    case "sql":
      // A comment at its end would take the bracket along.
      return sql`(${raw(`${source.expression}\n`)})`;
    default:
      return source satisfies never;
  }
}
