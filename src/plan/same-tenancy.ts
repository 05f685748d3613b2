import { invalidConfiguration } from "../config/faults.ts";
import { formatRelationName } from "../config/relation-name.ts";
import type { Fault } from "../config/settings.ts";
import type { RelationName } from "../postgres/sql.ts";
import type { Tenancy } from "../steps/model/tenancy.ts";

/**
 * Refuses a stage whose names differ from those of the applied stages.
 * @param applied the applied stages with their names, from the journal
 * @throws AppError CONFIG_INVALID with every name that has changed
 */
export function refuseOtherTenancy(
  applied: readonly { readonly stage: string; readonly tenancy: Tenancy }[],
  planned: Tenancy,
  origin: string,
): void {
  // All applied stages have the same names.
  const [first] = applied;
  if (first === undefined) return;
  const now = namesOf(planned);
  const faults = Object.entries(namesOf(first.tenancy)).flatMap(([path, was]): Fault[] =>
    was === now[path]
      ? []
      : [
          {
            path,
            fault: `differs from the applied stage ${first.stage}, which has ${was}`,
            fix: "restore the previous value, or roll back the applied stages first: tenantry rollback --all",
          },
        ],
  );
  if (faults.length > 0) throw invalidConfiguration(origin, faults);
}

/** The names that must not change from one stage to the next, by their setting. */
function namesOf(tenancy: Tenancy): Readonly<Record<string, string>> {
  // With the schema, even if the configuration leaves it out.
  const named = (relation: RelationName) => formatRelationName(relation, "");
  return {
    "names.organizationColumn": tenancy.column,
    "names.organizations": named(tenancy.organizations),
    "names.memberships": named(tenancy.memberships),
    "names.helpers": tenancy.helpers.schema,
    "users.table": named(tenancy.users.relation),
    "users.id": tenancy.users.id,
    "defaultOrganization.slug": `the one of the organization ${tenancy.defaultOrganizationId}`,
  };
}
