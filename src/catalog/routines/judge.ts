import { type Lookup, lookupIn } from "./lookup.ts";
import type { RelationFacts, Routine, Routines } from "./routine.ts";
import { isFenced, isSame, organizationColumnOf, showsFenced, type Tenants } from "./tenants.ts";
import { type Access, type Check, tiesOf } from "./ties.ts";
import { reachedByRequests, runBy } from "./walk.ts";

/** A table that a function reaches, and whether the function restricts its rows to the caller. */
export type Touched = {
  readonly relation: RelationFacts;
  readonly fenced: boolean;
  readonly writes: boolean;
  /** Whether rows of others may be reached. */
  readonly open: boolean;
};

/** A function that runs with other rights than its caller's, and that requests reach. */
export type OwnersRoutine = {
  readonly routine: Routine;
  /** Why it is one: SECURITY DEFINER, or a setting that it changes. */
  readonly because: string;
  /** Whether requests may call it by name; else it is only run through something else. */
  readonly callable: boolean;
  readonly through: string | undefined;
  readonly touched: readonly Touched[];
  /** What it asks about its caller. */
  readonly asks: readonly string[];
  /** What is not known about it. */
  readonly unknown: readonly string[];
  /** Whether it writes rows, itself or by what it runs. */
  readonly writes: boolean;
  /** What it calls that a rollback may not undo. */
  readonly escapes: readonly string[];
  /** Whether it leaves the server: functions of extensions and of unknown languages, COPY, dynamic SQL. */
  readonly leaves: readonly string[];
  /** What restricts its rows, if all of them are restricted: the checks of arguments that would make it safe. */
  readonly checks: readonly Check[] | undefined;
  /** Whether it reaches no rows of others, as far as its body shows. */
  readonly closed: boolean;
  /** Objects that stand on it: policies, views, defaults and others. */
  readonly usedBy: readonly string[];
};

/** Finds the functions that requests reach and that run with other rights than theirs, and judges each. */
export function judgeRoutines(routines: Routines, tenants: Tenants): readonly OwnersRoutine[] {
  const lookup = lookupIn(routines);
  const shown = showsFenced(lookup, tenants);
  const identity = settingsOf(routines, tenants);
  return reachedByRequests(lookup).flatMap(({ routine, through }) => {
    const because = whyNotTheirs(routine, identity);
    // A copy of a guarded function runs as the guard's owner, and is judged with the guard.
    if (because === undefined || routine.schema === tenants.helpers) return [];
    return [judge({ lookup, tenants, shown }, routine, { because, through })];
  });
}

/** Judges one function, also one that requests do not reach. */
export function judgeRoutine(
  routines: Routines,
  tenants: Tenants,
  routine: Routine,
): OwnersRoutine {
  const lookup = lookupIn(routines);
  const judging = { lookup, tenants, shown: showsFenced(lookup, tenants) };
  return judge(judging, routine, { because: "", through: undefined });
}

function isHelper({ helpers, helperNames }: Tenants, routine: Routine): boolean {
  if (routine.schema !== helpers) return false;
  return (
    routine.returnsTrigger || (routine.arguments.length === 0 && helperNames.includes(routine.name))
  );
}

type Judging = {
  readonly lookup: Lookup;
  readonly tenants: Tenants;
  readonly shown: ReadonlySet<string>;
};

const whoOneIs =
  /^(role|session_authorization|row_security|session_replication_role|request\..*)$/i;

/** Why a function runs with other rights than its caller's; undefined where it does not. */
function whyNotTheirs(
  { definer, owner, settings, body, kind }: Routine,
  identity: readonly string[],
): string | undefined {
  const saysWho = (name: string) => whoOneIs.test(name) || identity.includes(name);
  if (kind === "aggregate") return undefined;
  if (definer) return `runs as ${owner}`;
  const set = settings.map((setting) => setting.split("=")[0] ?? "").find(saysWho);
  if (set !== undefined) return `sets ${set}`;
  if (body.sets.includes(undefined)) return "sets a setting whose name is not a constant";
  const inside = body.sets.find((name) => name !== undefined && saysWho(name));
  return inside === undefined ? undefined : `sets ${inside}`;
}

/** The settings by which the fence knows the user of a request. */
function settingsOf({ routines }: Routines, { caller }: Tenants): readonly string[] {
  const { source = "" } = routines.find((one) => isSame(one, caller)) ?? {};
  return [...source.matchAll(/current_setting\('([^']+)'/g)].map(([, name = ""]) => name);
}

function judge(
  judging: Judging,
  routine: Routine,
  { because, through }: { readonly because: string; readonly through: string | undefined },
): OwnersRoutine {
  const { lookup, tenants } = judging;
  // The helpers answer for the caller only; the proof calls each of them.
  const below = runBy(lookup, routine).filter((one) => !isHelper(tenants, one));
  const own = accessesOf(judging, routine);
  const theirs = below.flatMap((one) =>
    // What they do with their arguments is not followed.
    accessesOf(judging, one).map(
      (access): Access =>
        access.tie.kind === "arguments" ? { ...access, tie: { kind: "none" } } : access,
    ),
  );
  const accesses = [...own, ...theirs];
  const all = [routine, ...below];
  const unknown = all.flatMap((one) => notKnown(one, routine));
  const touched = together(judging, accesses);
  const open = accesses.filter(
    (access) => matters(judging, access) && access.tie.kind !== "caller",
  );
  const tied = open.every(({ tie }) => tie.kind === "arguments");
  const checks = open.flatMap(({ tie }) => (tie.kind === "arguments" ? tie.checks : []));
  const leaves = all.flatMap((one) => leavesServer(lookup, one));
  return {
    routine,
    because,
    callable: routine.usage && !routine.returnsTrigger,
    through: routine.usage && !routine.returnsTrigger ? undefined : through,
    touched,
    asks: [...new Set(all.flatMap(({ body }) => askedIn(body.calls, tenants)))],
    unknown,
    writes: accesses.some(({ use }) => use !== "read"),
    escapes: [...new Set([...leaves, ...all.flatMap((one) => escapesFrom(lookup, one))])],
    leaves: [...new Set(leaves)],
    checks: tied && unknown.length === 0 ? unique(checks) : undefined,
    closed: open.length === 0 && unknown.length === 0 && !because.startsWith("sets "),
    usedBy: usersOf(lookup, routine),
  };
}

function accessesOf({ lookup, tenants }: Judging, routine: Routine): readonly Access[] {
  const firedOn = lookup.routines.triggers
    .filter((trigger) => trigger.routine === routine.oid)
    .flatMap(({ relation }) => lookup.relationOf(relation) ?? []);
  const ofFenced = firedOn.every((relation) => isFenced(tenants, relation));
  return tiesOf(lookup, tenants, routine, ofFenced ? firedOn : []);
}

/** Whether an access may reach rows that the caller would not reach themselves. */
function matters({ tenants, shown }: Judging, { relation, use }: Access): boolean {
  if (shown.has(relation.oid) || organizationColumnOf(tenants, relation) !== undefined) return true;
  const isShared = tenants.shared.some((one) => isSame(one, relation));
  if (use === "read") return !isShared && !relation.open;
  // A new row of a table without organizations changes nobody's.
  return isShared || use !== "insert";
}

function together(judging: Judging, accesses: readonly Access[]): readonly Touched[] {
  const byRelation = new Map<string, Touched>();
  for (const access of accesses) {
    const { relation, use, tie } = access;
    const before = byRelation.get(relation.oid);
    byRelation.set(relation.oid, {
      relation,
      fenced: judging.shown.has(relation.oid),
      writes: before?.writes === true || use !== "read",
      open: before?.open === true || (tie.kind !== "caller" && matters(judging, access)),
    });
  }
  return [...byRelation.values()];
}

function notKnown({ body, signature, ofExtension, kind }: Routine, of: Routine): string[] {
  if (kind === "aggregate") return [];
  const who = signature === of.signature ? "" : `${signature} `;
  return [
    ...(body.dynamic ? [`${who}runs dynamic SQL: what it reads is not known`] : []),
    ...(body.unknown === undefined || ofExtension ? [] : [`${who}${body.unknown}`]),
    ...body.others
      .filter((kind) => kind !== "COMMIT")
      .map((kind) => `${who}runs ${kind}, which is not followed`),
    ...(body.calls.some(({ name }) => runsText.test(name))
      ? [`${who}calls a function that runs dynamic SQL`]
      : []),
  ];
}

/** Built-in functions that run a text as SQL. */
const runsText = /^(query|table|cursor|schema|database)_to_xml(schema|_and_xmlschema)?$|^ts_stat$/;

/** Volatile built-in functions that have no effect. */
const effectless = new Set([
  "random",
  "gen_random_uuid",
  "clock_timestamp",
  "timeofday",
  "set_config",
  "pg_sleep",
]);

function escapesFrom({ called, routines }: Lookup, routine: Routine): string[] {
  const { body } = routine;
  const builtIn = new Map(routines.builtIn.map((one) => [one.name, one]));
  return [
    ...body.calls.flatMap((name) => {
      if (called(routine, name).length > 0) return [];
      const found = builtIn.get(name.name);
      return found?.volatile === true && !effectless.has(name.name) ? [name.name] : [];
    }),
    ...(body.others.includes("COMMIT") ? ["COMMIT"] : []),
  ];
}

function leavesServer({ called, routines }: Lookup, routine: Routine): string[] {
  if (routine.kind === "aggregate") return [];
  const { body } = routine;
  const builtIn = new Set(routines.builtIn.map(({ name }) => name));
  return [
    ...(body.unknown === undefined ? [] : [body.unknown]),
    ...(body.dynamic ? ["dynamic SQL"] : []),
    ...body.others.filter((kind) => kind === "Copy").map(() => "COPY"),
    ...body.calls.flatMap((name) => {
      const found = called(routine, name);
      if (found.length === 0) return builtIn.has(name.name) ? [] : [name.name];
      return found.some(({ ofExtension, volatility }) => ofExtension && volatility === "v")
        ? [name.name]
        : [];
    }),
  ];
}

function askedIn(calls: Routine["body"]["calls"], tenants: Tenants): string[] {
  return calls.flatMap(({ schema, name }) => {
    if (schema === "auth") return [`auth.${name}()`];
    if (schema === tenants.helpers) return [`${schema}.${name}()`];
    return name === "current_setting" ? ["current_setting()"] : [];
  });
}

/** The objects that stand on a function: other functions by name, and all others by the catalog. */
function usersOf({ routines, called }: Lookup, routine: Routine): readonly string[] {
  const node = `pg_proc ${routine.oid}`;
  const plain = new RegExp(`\\b${routine.name.replaceAll(/[^\w]/g, "\\$&")}\\b`);
  return [
    ...new Set([
      ...routines.links.filter(({ to, from }) => to === node && from !== node).map(({ as }) => as),
      ...routines.triggers
        .filter((trigger) => trigger.routine === routine.oid)
        .map(({ name }) => `the trigger ${name}`),
      ...routines.routines
        .filter((one) => one.oid !== routine.oid)
        .filter((one) => one.body.calls.some((name) => called(one, name).includes(routine)))
        .map(({ shown }) => `the function ${shown}`),
      ...routines.jobs
        .filter(({ command }) => plain.test(command))
        .map(({ name }) => `the job ${name}`),
    ]),
  ];
}

function unique(checks: readonly Check[]): readonly Check[] {
  const byText = new Map(checks.map((check) => [JSON.stringify(check), check]));
  return [...byText.values()];
}
