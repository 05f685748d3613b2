import { invalidConfiguration } from "../config/faults.ts";
import { formatRelationName } from "../config/relation-name.ts";
import type { Fault } from "../config/settings.ts";
import type { RelationName } from "../postgres/sql.ts";
import type { Tenancy } from "../steps/model/tenancy.ts";

/**
 * Whether a stage would stand on what the stages before it have made: they are of one tenancy.
 * @param applied what the stages that are applied were planned with, as the journal holds it
 * @throws AppError CONFIG_INVALID with every name that has changed since
 */
export function refuseOtherTenancy(
  applied: readonly { readonly stage: string; readonly tenancy: Tenancy }[],
  planned: Tenancy,
  origin: string,
): void {
  // Those that are applied are of one tenancy among themselves.
  const [first] = applied;
  if (first === undefined) return;
  const now = namesOf(planned);
  const faults = Object.entries(namesOf(first.tenancy)).flatMap(([path, was]): Fault[] =>
    was === now[path]
      ? []
      : [
          {
            path,
            fault: `is not what ${first.stage} was applied with: that was ${was}`,
            fix: "write it as it was, or undo what is applied first: tenantry rollback --all",
          },
        ],
  );
  if (faults.length > 0) throw invalidConfiguration(origin, faults);
}

/** What may not change from one stage to the next, by where the configuration says it. */
function namesOf(tenancy: Tenancy): Readonly<Record<string, string>> {
  // With its schema, whichever the configuration leaves out.
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
