import type { TenantTable } from "../../config/settings.ts";
import { ident, literal, type RelationName, raw, type Sql, sql } from "../../postgres/sql.ts";
import type { Tenancy } from "./tenancy.ts";

/** A tenancy source with what the catalog adds to it: for `via`, the columns that the foreign key references. */
export type ResolvedSource =
  | { readonly kind: "default" }
  | {
      readonly kind: "via";
      readonly column: string;
      readonly parent: RelationName;
      readonly parentColumn: string;
    }
  | {
      readonly kind: "user";
      readonly column: string;
      /** Whether all memberships are read in less time than a batch of rows takes. */
      readonly fewUsers: boolean;
    }
  | { readonly kind: "sql"; readonly expression: string };

/** The organization of the row `record`, or NULL where the source has none. */
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

/** The source as a join, for an UPDATE of `record`: rows without a match are not updated. */
export type JoinedSource = { readonly from: Sql; readonly on: Sql; readonly organization: Sql };

/**
 * The source as a join, which finds the organizations of a whole batch at once. Undefined where a
 * subquery is needed: rows without a match get the default, or there are too many memberships to group
 * them for every batch.
 */
export function organizationJoined(
  source: ResolvedSource,
  unattributed: TenantTable["unattributed"],
  { column, memberships }: Tenancy,
): JoinedSource | undefined {
  if (unattributed === "default") return undefined;
  switch (source.kind) {
    case "via":
      return {
        from: sql`${ident(source.parent)} AS parent`,
        on: sql`parent.${ident(source.parentColumn)} = record.${ident(source.column)}`,
        organization: sql`parent.${ident(column)}`,
      };
    case "user":
      if (!source.fewUsers) return undefined;
      return {
        from: sql`(SELECT membership.user_id,
               (array_agg(membership.organization_id))[1] AS organization_id
          FROM ${ident(memberships)} AS membership
         GROUP BY membership.user_id
        HAVING count(*) = 1) AS told`,
        on: sql`told.user_id = record.${ident(source.column)}`,
        organization: sql`told.organization_id`,
      };
    case "default":
    case "sql":
      return undefined;
    default:
      return source satisfies never;
  }
}

function toldBy(source: Exclude<ResolvedSource, { kind: "default" }>, tenancy: Tenancy): Sql {
  switch (source.kind) {
    case "via":
      return sql`(SELECT parent.${ident(tenancy.column)}
                    FROM ${ident(source.parent)} AS parent
                   WHERE parent.${ident(source.parentColumn)} = record.${ident(source.column)})`;
    case "user":
      // HAVING, because the organization of a user of several is not certain.
      return sql`(SELECT (array_agg(membership.organization_id))[1]
                    FROM ${ident(tenancy.memberships)} AS membership
                   WHERE membership.user_id = record.${ident(source.column)}
                  HAVING count(*) = 1)`;
    case "sql":
      // The newline, because the expression may end in a comment.
      return sql`(${raw(`${source.expression}\n`)})`;
    default:
      return source satisfies never;
  }
}
