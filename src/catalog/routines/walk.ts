import type { Lookup, Used } from "./lookup.ts";
import { type Link, ofDelete, ofInsert, ofSelect, ofUpdate, type Routine } from "./routine.ts";

/** How a function is reached: `EXECUTE`, or through what. */
export type Reached = { readonly routine: Routine; readonly through: string | undefined };

type Visit = Used & {
  /** Whether EXECUTE of requests is needed from here on: not below a function that runs as its owner. */
  readonly asRequests: boolean;
  readonly through: string | undefined;
};

/** The functions that requests can make run, each with the way that is found first. */
export function reachedByRequests(lookup: Lookup): readonly Reached[] {
  const { routines } = lookup;
  const start: Visit[] = [
    ...routines.routines
      .filter(({ usage }) => usage)
      .map(({ oid }) => ({
        node: `pg_proc ${oid}`,
        uses: 0,
        asRequests: true,
        through: undefined,
      })),
    ...routines.relations
      .filter(({ privileges }) => privileges !== 0)
      .map(({ oid, privileges }) => ({
        node: `pg_class ${oid}`,
        uses: privileges,
        asRequests: true,
        through: undefined,
      })),
    ...routines.named
      .filter(({ nameable }) => nameable)
      .map(({ object }) => ({ node: object, uses: 0, asRequests: true, through: undefined })),
  ];
  return walk(lookup, start);
}

/** The functions that run where a function runs, without itself: what it calls, and triggers of what it writes. */
export function runBy(lookup: Lookup, routine: Routine): readonly Routine[] {
  const start = lookup
    .usedBy(routine)
    .map((used): Visit => ({ ...used, asRequests: false, through: undefined }));
  return walk(lookup, start)
    .map((one) => one.routine)
    .filter(({ oid }) => oid !== routine.oid);
}

function walk(lookup: Lookup, start: readonly Visit[]): readonly Reached[] {
  const links = linksOf(lookup);
  const reached = new Map<string, Reached>();
  const seen = new Map<string, number>();
  const queue = [...start];
  for (let visit = queue.shift(); visit !== undefined; visit = queue.shift()) {
    const { node, uses, asRequests } = visit;
    const key = `${node} ${asRequests}`;
    const before = seen.get(key);
    if (before !== undefined && (before | uses) === before) continue;
    seen.set(key, (before ?? 0) | uses);
    const [kind, oid = ""] = node.split(" ");
    const routine = kind === "pg_proc" ? lookup.routineOf(oid) : undefined;
    if (routine === undefined) {
      queue.push(...next(lookup, links, visit));
      continue;
    }
    if (routine.ofExtension) continue;
    const known = reached.get(oid);
    if (known === undefined) reached.set(oid, { routine, through: visit.through });
    const through = visit.through ?? `the function ${routine.shown}`;
    const as = asRequests && !routine.definer;
    queue.push(
      ...lookup
        .usedBy(routine)
        .filter((used) => !as || mayCall(lookup, used.node))
        .map((used) => ({ ...used, asRequests: as, through })),
      ...next(lookup, links, { ...visit, asRequests: as && routine.kind !== "aggregate" }),
    );
  }
  return [...reached.values()];
}

function next(lookup: Lookup, links: ReadonlyMap<string, readonly Link[]>, visit: Visit): Visit[] {
  const { node, uses, asRequests, through } = visit;
  const writes = (uses & ~ofSelect) !== 0;
  const below = (links.get(node) ?? [])
    .filter(({ when }) => when === "used" || writes)
    // An owner's rights are not those of requests, and policies do not apply to most owners.
    .filter(({ as }) => asRequests || !as.startsWith("the policy "))
    // A function is called with the caller's privileges; what an operator class or a trigger calls is not checked.
    .filter(({ to, from }) => !asRequests || from.startsWith("pg_opfamily ") || mayCall(lookup, to))
    .map(({ to, as }) => ({
      node: to,
      uses: usesBelow(to, as, uses),
      asRequests,
      through: through ?? as,
    }));
  const [kind, oid] = node.split(" ");
  if (kind !== "pg_class") return below;
  const fired = lookup.routines.triggers
    .filter(({ relation, events }) => relation === oid && (events & uses) !== 0)
    .map(({ routine, name }) => ({
      node: `pg_proc ${routine}`,
      uses: 0,
      asRequests,
      through: through ?? `the trigger ${name} of ${labelOf(lookup, oid ?? "")}`,
    }));
  return [...below, ...fired];
}

/** Writes to a view are writes to what it reads; the actions of a rule may write anything. */
function usesBelow(to: string, as: string, uses: number): number {
  if (!to.startsWith("pg_class ")) return 0;
  if (as.startsWith("the rule ")) return ofSelect | ofInsert | ofUpdate | ofDelete;
  return as.startsWith("the view ") ? uses | ofSelect : ofSelect;
}

function labelOf(lookup: Lookup, oid: string): string {
  const relation = lookup.relationOf(oid);
  return relation === undefined ? oid : `${relation.schema}.${relation.name}`;
}

function mayCall(lookup: Lookup, node: string): boolean {
  const [kind, oid = ""] = node.split(" ");
  if (kind !== "pg_proc") return true;
  return lookup.routineOf(oid)?.execute ?? true;
}

/** By the node that they start from; links of all functions take one pass. */
function linksOf({ routines }: Lookup): ReadonlyMap<string, readonly Link[]> {
  const before = linksByNode.get(routines.links);
  if (before !== undefined) return before;
  const links = new Map<string, Link[]>();
  for (const link of routines.links) links.set(link.from, [...(links.get(link.from) ?? []), link]);
  linksByNode.set(routines.links, links);
  return links;
}

const linksByNode = new WeakMap<readonly Link[], ReadonlyMap<string, readonly Link[]>>();
