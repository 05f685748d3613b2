import type { Tenants } from "../../catalog/routines/tenants.ts";
import { list, raw, type Sql, sql, textOf } from "../../postgres/sql.ts";
import { guardStatements } from "./guard-step.ts";
import type { Proposed } from "./proposal.ts";
import { revokeStatements } from "./revoke-step.ts";

/** What is known of a function, on one line: what it reads and writes, asks, who uses it, what is proposed. */
export function describeFunction(one: Proposed): string {
  const { because, through, touched, asks, unknown, usedBy, calls, proposal } = one;
  const names = (writes: boolean) =>
    touched
      .filter((touch) => touch.writes === writes)
      .map(({ relation, fenced, open }) => {
        const what = fenced ? (open ? "" : " (only the caller's rows)") : " (not fenced)";
        return `${relation.schema}.${relation.name}${what}`;
      });
  const part = (label: string, values: readonly string[]) =>
    values.length === 0 ? [] : [`${label}: ${values.join(", ")}`];
  return [
    because,
    ...(through === undefined ? [] : [`reached through ${through}`]),
    ...part("reads", names(false)),
    ...part("writes", names(true)),
    ...unknown,
    ...part("asks", asks),
    ...part("used by", [...usedBy, ...calls.map(({ place }) => place)]),
    `proposal: ${proposal.do === "decide" ? "to be decided" : proposal.do} (${proposal.because})`,
  ].join("; ");
}

/** The SQL that carries the proposal out; where none can be made, what to decide. */
export function fixOf(one: Proposed, roles: readonly string[], tenants: Tenants): string {
  const { proposal, routine, guard } = one;
  const script = (statements: readonly Sql[]) =>
    textOf(
      list(
        statements.map((each) => sql`${each};`),
        "\n",
      ),
    );
  switch (proposal.do) {
    case "revoke":
      return `${script(revokeStatements(routine, roles))} -- or hardening.definerFunctions in the configuration`;
    case "guard":
      return `${script(guardStatements(routine, proposal.plan, tenants, []))} -- or hardening.definerFunctions in the configuration`;
    case "keep":
      return `-- check that it returns and writes only the caller's rows (${proposal.because}), then name it in the configuration's functions, with do: "keep" and a reason`;
    case "decide": {
      const invoker = textOf(sql`ALTER ROUTINE ${raw(routine.signature)} SECURITY INVOKER`);
      const why = "impossible" in guard ? `; no guard is possible: it ${guard.impossible}` : "";
      return `-- decide: ${proposal.because}${why}. ${invoker}, if its callers may do what it does; else revoke or rewrite it`;
    }
    case "nothing":
      return "";
    default:
      return proposal satisfies never;
  }
}
