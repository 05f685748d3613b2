import type { Snapshot } from "../../src/catalog/snapshot.ts";
import { ident, type RelationName, raw, type Sql, sql } from "../../src/postgres/sql.ts";
import { none } from "../../src/steps/model/checks.ts";
import type { StageContext } from "../../src/steps/model/stage.ts";
import type { TransactionStep } from "../../src/steps/model/step.ts";
import { writingOrganization } from "../day1/helpers.ts";
import { joinDefaultOrganization } from "../day1/memberships.ts";

/**
 * The end of the old application: from here on, a writer who is nobody must say the organization
 * (with a second customer there, a default would misfile rows), and a new user belongs to none
 * until somebody invites them.
 */
export function contract({ tenancy, snapshot }: StageContext): TransactionStep {
  const { helpers } = tenancy;
  return {
    id: "day3/contract",
    title: "take away the default organization",
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
        "nothing and nobody joins the default organization by itself",
        sql`
          SELECT format('%s still leads to the default organization', p.oid::regprocedure) AS violation
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
 * The statement that makes a helper again as it is now: another version of Tenantry may have made
 * it. Before Day 1 there is none, and the plan's own stands for it.
 */
function asItIs({ functions }: Snapshot, { schema, name }: RelationName): Sql | undefined {
  const found = functions.find(
    (one) => one.schema === schema && one.name === name && one.arguments === "",
  );
  return found === undefined ? undefined : raw(found.definition.trimEnd());
}

function signature(name: RelationName): string {
  return `${ident(name).parts.join("")}()`;
}
