import { ident, sql } from "../../src/postgres/sql.ts";
import { exists, none } from "../../src/steps/checks.ts";
import type { StageContext } from "../../src/steps/stage.ts";
import type { TransactionStep } from "../../src/steps/step.ts";
import { writingOrganization } from "../day1/helpers.ts";
import { joinTrigger } from "../day1/memberships.ts";

/**
 * The end of the old application: from here on, a writer who is nobody must say the organization
 * (with a second customer there, a default would misfile rows), and a new user belongs to none
 * until somebody invites them.
 */
export function contract({ tenancy }: StageContext): TransactionStep {
  const { helpers, users } = tenancy;
  return {
    id: "day3/contract",
    title: "take away the default organization",
    mode: "transaction",
    lock: { level: "ACCESS EXCLUSIVE", on: [users.relation] },
    up: [
      writingOrganization(tenancy, "without fallback"),
      sql`DROP TRIGGER IF EXISTS ${ident(helpers.joinDefaultOrganization.name)} ON ${ident(users.relation)}`,
    ],
    down: {
      kind: "exact",
      sql: [
        writingOrganization(tenancy, "with fallback"),
        sql`DROP TRIGGER IF EXISTS ${ident(helpers.joinDefaultOrganization.name)} ON ${ident(users.relation)}`,
        joinTrigger(tenancy),
      ],
    },
    verify: [
      none(
        "no row goes to the default organization because its writer names none",
        sql`
          SELECT format('%s still falls back to the default organization', p.oid::regprocedure) AS violation
            FROM pg_proc p
           WHERE p.oid = to_regprocedure(${`${ident(helpers.writingOrganization).parts.join("")}()`})
             AND pg_get_function_sqlbody(p.oid) LIKE '%' || ${tenancy.defaultOrganizationId}::text || '%'
        `,
      ),
      exists(
        "new users join no organization by themselves",
        sql`SELECT
             WHERE NOT EXISTS (SELECT FROM pg_trigger t
                                WHERE t.tgfoid = to_regprocedure(${`${ident(helpers.joinDefaultOrganization).parts.join("")}()`}))`,
      ),
    ],
  };
}
