import type { Snapshot } from "../../src/catalog/snapshot.ts";
import { ident, type RelationName, raw, type Sql, sql, textOf } from "../../src/postgres/sql.ts";
import { none } from "../../src/steps/model/checks.ts";
import type { StageContext } from "../../src/steps/model/stage.ts";
import type { TransactionStep } from "../../src/steps/model/step.ts";
import { writingOrganization } from "../day1/helpers.ts";
import { joinDefaultOrganization } from "../day1/memberships.ts";

/**
 * Removes the default organization. From here on, the service role must write the organization, because
 * with a second customer a default would put rows into the wrong one; and a new user belongs to no
 * organization until somebody invites them.
 */
export function contract({ tenancy, snapshot }: StageContext): TransactionStep {
  const { helpers } = tenancy;
  return {
    id: "day3/contract",
    title: "remove the default organization",
    mode: "transaction",
    lock: { level: "none" },
    up: [
      writingOrganization(tenancy, "without fallback"),
      joinDefaultOrganization(tenancy, "never"),
    ],
    down: {
      kind: "exact",
      sql: [
        asItIs(snapshot, helpers.writingOrganization) ??
          writingOrganization(tenancy, "with fallback"),
        asItIs(snapshot, helpers.joinDefaultOrganization) ??
          joinDefaultOrganization(tenancy, "until Day 3"),
      ],
    },
    verify: [
      none(
        "no row and no user gets the default organization by default",
        sql`
          SELECT format('%s still uses the default organization', p.oid::regprocedure) AS violation
            FROM pg_proc p
           WHERE p.oid IN (to_regprocedure(${signature(helpers.writingOrganization)}),
                           to_regprocedure(${signature(helpers.joinDefaultOrganization)}))
             AND coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) LIKE '%' || ${tenancy.defaultOrganizationId}::text || '%'
        `,
      ),
    ],
  };
}

/**
 * The statement that creates a helper as it is now: another version of Tenantry may have created it.
 * Undefined before Day 1, when it does not exist.
 */
function asItIs({ functions }: Snapshot, { schema, name }: RelationName): Sql | undefined {
  const found = functions.find(
    (one) => one.schema === schema && one.name === name && one.arguments === "",
  );
  return found === undefined ? undefined : raw(found.definition.trimEnd());
}

function signature(name: RelationName): string {
  return `${textOf(ident(name))}()`;
}
