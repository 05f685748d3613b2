import { judgeRoutine, judgeRoutines, type OwnersRoutine } from "../../catalog/routines/judge.ts";
import type { Routine, Routines } from "../../catalog/routines/routine.ts";
import type { Tenants } from "../../catalog/routines/tenants.ts";
import { functionBody, textOf } from "../../postgres/sql.ts";
import { type GuardPlan, guardBody, planGuard } from "./guard.ts";

/** A call of a function in the application's code. */
export type RemoteCall = {
  /** As the code names it. */
  readonly name: string;
  /** Whether it is made with the service role's key, which needs no EXECUTE of requests. */
  readonly asService: boolean;
  /** The file and line. */
  readonly place: string;
  /** Whether it is in a text of SQL, which calls built-in functions too. */
  readonly sql?: boolean;
};

/** What to do about a function, and why. */
export type Proposal = { readonly because: string } & (
  | { readonly do: "nothing" }
  | { readonly do: "revoke" }
  | { readonly do: "guard"; readonly plan: GuardPlan }
  | { readonly do: "keep" }
  /** Neither is possible without a decision. */
  | { readonly do: "decide" }
);

export type Proposed = OwnersRoutine & {
  readonly proposal: Proposal;
  /** How a guard could restrict it; or why none can. */
  readonly guard: GuardPlan | { readonly impossible: string };
  /** The application's calls of it, without those as the service role. */
  readonly calls: readonly RemoteCall[];
};

/**
 * Judges all functions that requests reach, and proposes what to do about each.
 * @param calls the calls in the application's code; undefined where the code was not read
 */
export function proposeAll(
  routines: Routines,
  tenants: Tenants,
  calls: readonly RemoteCall[] | undefined,
): readonly Proposed[] {
  const names = new Set(routines.routines.map(({ name }) => name));
  // A call whose name is not known may be of any function.
  const allKnown = calls?.every(({ name, sql }) => sql === true || names.has(name)) === true;
  return judgeRoutines(routines, tenants).map((judged) => {
    const one = isGuarded(routines, tenants, judged.routine) ? { ...judged, closed: true } : judged;
    const guard = planGuard(one, tenants);
    const own = (calls ?? []).filter((call) => !call.asService && call.name === one.routine.name);
    const proposal = propose(one, guard, allKnown || own.length > 0 ? own : undefined);
    return { ...one, guard, calls: own, proposal };
  });
}

/** Whether a function is a guard as it would be made today for the copy that it calls. */
function isGuarded(routines: Routines, tenants: Tenants, routine: Routine): boolean {
  const copy = copyOf(routines, tenants, routine);
  if (copy === undefined || copy.definer || copy.usage) return false;
  const judged = judgeRoutine(routines, tenants, copy);
  // Its owner's rights are those of the guard.
  const plan = planGuard({ ...judged, routine: { ...copy, definer: true } }, tenants);
  return "kind" in plan && sourceOf(guardBody(copy, plan, tenants)) === routine.source;
}

/** The original of a guarded function, in the helpers' schema. */
export function copyOf(
  { routines }: Routines,
  { helpers }: Tenants,
  { name, arguments: own }: Routine,
): Routine | undefined {
  const types = own.map(({ type }) => type).join();
  return routines.find(
    (one) =>
      one.schema === helpers &&
      one.name === name &&
      one.arguments.map(({ type }) => type).join() === types,
  );
}

/** A body as pg_proc.prosrc has it. */
function sourceOf(body: Parameters<typeof functionBody>[0]): string {
  const quoted = textOf(functionBody(body));
  const [tag = ""] = /^\$\w*\$/.exec(quoted) ?? [];
  return quoted.slice(tag.length, quoted.length - tag.length);
}

function propose(
  one: OwnersRoutine,
  guard: Proposed["guard"],
  calls: readonly RemoteCall[] | undefined,
): Proposal {
  const { asks, callable, usedBy, through, closed, routine } = one;
  if (closed) return { do: "nothing", because: "it reaches no rows of others" };
  const [standing] = standsOn(one);
  const asking = asks.length === 0 ? undefined : `it asks for its caller: ${asks.join(", ")}`;
  if (!routine.definer) return { do: "decide", because: `it ${one.because}` };
  if (!callable && !routine.returnsTrigger)
    return { do: "decide", because: `requests reach it through ${through ?? "another object"}` };
  if (routine.returnsTrigger)
    return { do: "decide", because: `${through ?? "a trigger"} runs it, for every request` };
  if ("kind" in guard) {
    if (calls !== undefined && calls.length === 0 && standing === undefined) return revoke(usedBy);
    return { do: "guard", plan: guard, because: describeGuard(guard, one) };
  }
  if (standing !== undefined)
    return {
      do: "keep",
      because: [`${standing} stands on it`, ...(asking === undefined ? [] : [asking])].join(
        ", and ",
      ),
    };
  if (calls !== undefined && calls.length === 0) return revoke(usedBy);
  if (asking !== undefined) return { do: "keep", because: asking };
  const [call] = calls ?? [];
  const used =
    call === undefined
      ? "whether the application calls it is not known"
      : `the application calls it in ${call.place}`;
  return { do: "decide", because: `it ${guard.impossible}, and ${used}` };
}

/** Objects whose use of a function needs EXECUTE of the role that uses them. */
const needsExecute = /^the (policy|view|rule|default|generated column|constraint|index|operator) /;

/** What would fail for requests without EXECUTE: policies, views, defaults and others that call it as them. */
export function standsOn({ usedBy }: OwnersRoutine): readonly string[] {
  return usedBy.filter((user) => needsExecute.test(user));
}

function revoke(usedBy: readonly string[]): Proposal {
  const users =
    usedBy.length === 0
      ? ""
      : `; ${usedBy.join(", ")} need${usedBy.length === 1 ? "s" : ""} no EXECUTE of requests`;
  return { do: "revoke", because: `the application's code does not call it${users}` };
}

function describeGuard(plan: GuardPlan, { routine }: OwnersRoutine): string {
  if (plan.kind === "results") return "its rows name their organization";
  const names = plan.checks.map(({ argument, is }) => {
    const given = routine.arguments[argument];
    const name = given?.name === undefined || given.name === "" ? `$${argument + 1}` : given.name;
    const what = is === "organization" ? "an organization" : `a row of ${is.relation.name}`;
    return `${name} names ${what}`;
  });
  return names.join(", ");
}
