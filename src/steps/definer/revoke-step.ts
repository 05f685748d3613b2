import type { Grant } from "../../catalog/grants.ts";
import type { Routine } from "../../catalog/routines/routine.ts";
import { ident, list, raw, type Some, type Sql, sql } from "../../postgres/sql.ts";
import { none } from "../model/checks.ts";
import type { TransactionStep } from "../model/step.ts";
import { whereThere } from "./where-there.ts";

/** The grants that a revoke takes: those of the roles of requests, and of PUBLIC. */
export function takenGrants({ access }: Routine, roles: readonly string[]): readonly Grant[] {
  return access.filter(
    ({ grantee, fromOwner }) => fromOwner && (grantee === null || roles.includes(grantee)),
  );
}

/** Takes EXECUTE from requests. Roles that bypass row-level security keep what they had through PUBLIC. */
export function revokeStatements(routine: Routine, roles: readonly string[]): Some<Sql> {
  const on = raw(routine.signature);
  const taken = takenGrants(routine, roles).map(({ grantee }) => nameOf(grantee));
  const from = list(taken.length === 0 ? [sql`PUBLIC`] : taken);
  return [
    sql`REVOKE EXECUTE ON ROUTINE ${on}\n  FROM ${from}`,
    ...keptGrants(routine, "GRANT", "TO"),
  ];
}

/** The roles that have EXECUTE through PUBLIC alone, and that a revoke must not stop. */
function keptGrants({ access, signature, keptBy }: Routine, verb: string, to: string): Sql[] {
  if (!access.some(({ grantee }) => grantee === null)) return [];
  const lacking = keptBy.filter((role) => !access.some(({ grantee }) => grantee === role));
  return lacking.map(
    (role) => sql`${raw(verb)} EXECUTE ON ROUTINE ${raw(signature)}\n  ${raw(to)} ${ident(role)}`,
  );
}

/** The step that takes EXECUTE on a function from requests. */
export function revokeFunction(
  routine: Routine,
  label: string,
  roles: readonly string[],
): TransactionStep {
  const { signature } = routine;
  const back = takenGrants(routine, roles).map(
    ({ grantee, grantable }) =>
      sql`GRANT EXECUTE ON ROUTINE ${raw(signature)} TO ${nameOf(grantee)}${raw(grantable ? " WITH GRANT OPTION" : "")}`,
  );
  return {
    id: `day3/${label}/revoke-execute`,
    title: `revoke requests' EXECUTE on ${label}, which runs as its owner`,
    mode: "transaction",
    lock: { level: "none" },
    up: revokeStatements(routine, roles),
    down: {
      kind: "exact",
      sql: [whereThere(signature, [...keptGrants(routine, "REVOKE", "FROM"), ...back])],
    },
    verify: [
      none(
        `requests cannot call ${label}`,
        sql`
          SELECT format('%I may still call %s', api.role, ${label}::text) AS violation
            FROM unnest(${[...roles]}::text[]) AS api (role)
           WHERE has_function_privilege(api.role, to_regprocedure(${signature}), 'EXECUTE')
        `,
      ),
    ],
  };
}

function nameOf(grantee: string | null): Sql {
  return grantee === null ? sql`PUBLIC` : ident(grantee);
}
