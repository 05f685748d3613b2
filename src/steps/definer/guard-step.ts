import type { Routine } from "../../catalog/routines/routine.ts";
import type { Tenants } from "../../catalog/routines/tenants.ts";
import { ident, list, literal, raw, type Some, type Sql, sql } from "../../postgres/sql.ts";
import { exists, none } from "../model/checks.ts";
import type { TransactionStep } from "../model/step.ts";
import { createGuard, type GuardPlan, guardBody } from "./guard.ts";
import { whereThere } from "./where-there.ts";

/**
 * Puts a guard in the place of a function, and a copy of the function beside the helpers, where requests
 * cannot reach it. The copy runs as its caller: the guard, which runs as the function's owner.
 * @param searchPath the schemas in which a function without a search_path of its own finds names
 */
export function guardStatements(
  routine: Routine,
  plan: GuardPlan,
  tenants: Tenants,
  searchPath: readonly string[],
): Some<Sql> {
  const copy = raw(copySignature(routine, tenants));
  const pins = routine.atomic || routine.settings.some((one) => one.startsWith("search_path="));
  const path = list([...searchPath, "pg_temp"].map((schema) => ident(schema)));
  return [
    raw(copyDefinition(routine, tenants)),
    sql`ALTER ROUTINE ${copy} SECURITY INVOKER`,
    ...(pins || searchPath.length === 0
      ? []
      : [sql`ALTER ROUTINE ${copy} SET search_path = ${path}`]),
    sql`REVOKE ALL ON ROUTINE ${copy} FROM PUBLIC`,
    sql`GRANT EXECUTE ON ROUTINE ${copy} TO ${ident(routine.owner)}`,
    createGuard(routine, guardBody(routine, plan, tenants)),
  ];
}

/** The original's statement, with another schema: its body may name the function for its arguments. */
function copyDefinition({ definition, qualified, name }: Routine, { helpers }: Tenants): string {
  const text = (definition ?? "").trimEnd();
  const at = text.indexOf(`${qualified}(`);
  if (at < 0) throw new TypeError(`the definition of ${qualified} does not name it`);
  const copy = ident({ schema: helpers, name });
  return `${text.slice(0, at)}${copy.parts.join("")}${text.slice(at + qualified.length)}`;
}

function copySignature({ signature, qualified, name }: Routine, { helpers }: Tenants): string {
  return `${ident({ schema: helpers, name }).parts.join("")}${signature.slice(qualified.length)}`;
}

/** The step that guards a function. */
export function guardFunction(
  routine: Routine,
  plan: GuardPlan,
  {
    label,
    tenants,
    roles,
    searchPath,
  }: {
    readonly label: string;
    readonly tenants: Tenants;
    readonly roles: readonly string[];
    readonly searchPath: readonly string[];
  },
): TransactionStep {
  const { signature, definition } = routine;
  const copy = copySignature(routine, tenants);
  return {
    id: `day3/${label}/guard`,
    title: `check the organization before ${label}, which runs as its owner`,
    mode: "transaction",
    lock: { level: "none" },
    up: guardStatements(routine, plan, tenants, searchPath),
    down: {
      kind: "exact",
      sql: [
        whereThere(signature, [sql`EXECUTE ${literal(definition ?? "")}`]),
        sql`DROP ROUTINE IF EXISTS ${raw(copy)}`,
      ],
    },
    verify: [
      exists(
        `${label} checks the organization`,
        sql`SELECT
              FROM pg_proc p
             WHERE p.oid = to_regprocedure(${signature})
               AND p.prosecdef
               AND position(${`${ident({ schema: tenants.helpers, name: routine.name }).parts.join("")}(`}::text IN p.prosrc) > 0`,
      ),
      none(
        `requests cannot call the copy of ${label}`,
        sql`
          SELECT format('%I may call %s', api.role, ${copy}::text) AS violation
            FROM unnest(${[...roles]}::text[]) AS api (role)
           WHERE has_function_privilege(api.role, to_regprocedure(${copy}), 'EXECUTE')
        `,
      ),
    ],
  };
}
