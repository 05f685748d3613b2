import { samePrinted } from "../fingerprint/printed-anew.ts";
import type { FenceAttribute, FenceEntry, FenceKind } from "./entry.ts";
import type { FenceState } from "./state.ts";

/** What changed of what the fence stands on: an attribute of an object, or the object itself. */
export type FenceChange = {
  readonly kind: FenceKind;
  readonly object: string;
  readonly attribute: string | null;
  readonly before: string | null;
  readonly after: string | null;
  /** The statement that restores it, where the catalog gives one. */
  readonly restore: string | null;
};

/** Kinds of which a new one, or a lost one, concerns the fence by itself. */
const counted: Readonly<Record<FenceKind, { readonly added: boolean; readonly missing: boolean }>> =
  {
    table: { added: false, missing: true },
    // A partition that comes or goes is everyday work; the audit looks at new ones.
    partition: { added: false, missing: false },
    // A new column or constraint is the application's.
    column: { added: false, missing: true },
    constraint: { added: false, missing: true },
    policy: { added: true, missing: true },
    trigger: { added: true, missing: true },
    rule: { added: true, missing: true },
    view: { added: false, missing: false },
    function: { added: true, missing: true },
    operator: { added: true, missing: true },
    cast: { added: true, missing: true },
    schema: { added: false, missing: false },
    // A new role is reached by a membership, which is an attribute of the member.
    role: { added: false, missing: true },
    settings: { added: false, missing: false },
    "event trigger": { added: true, missing: true },
  };

/**
 * The differences between two states, by object and attribute. What follows from another difference is
 * left out: the policies of a dropped table, a function that a changed body calls.
 */
export function compareFenceStates(before: FenceState, after: FenceState): FenceChange[] {
  const earlier = new Map(before.entries.map((entry) => [entry.object, entry]));
  const later = new Map(after.entries.map((entry) => [entry.object, entry]));
  const changed = new Map<string, FenceChange[]>();
  for (const [object, was] of earlier) {
    const is = later.get(object);
    const found = is === undefined ? [whole(was, "missing")] : attributesOf(was, is);
    if (found.length > 0) changed.set(object, found);
  }
  for (const [object, is] of later) {
    if (!earlier.has(object)) changed.set(object, [whole(is, "added")]);
  }
  const kept = [...changed].filter(([object, found]) => {
    const was = earlier.get(object);
    const entry = was ?? later.get(object);
    if (entry === undefined) return false;
    const isWhole = found.some(({ attribute }) => attribute === null);
    if (!isWhole) return leadsByCall.includes(entry.kind) || !isExplained(entry, changed);
    const { added, missing } = counted[entry.kind];
    return (was === undefined ? added : missing) && !isExplained(entry, changed);
  });
  return kept
    .flatMap(([, found]) => found)
    .sort((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind));
}

/** What uses others comes first: restored in this order, nothing is dropped that is still used. */
const order: readonly FenceKind[] = [
  "policy",
  "trigger",
  "rule",
  "event trigger",
  "cast",
  "operator",
  "table",
  "partition",
  "column",
  "constraint",
  "view",
  "function",
  "schema",
  "role",
  "settings",
];

/** Kinds that a change of what leads to them brings into the fence, or takes out of it. */
const leadsByCall: readonly FenceKind[] = ["function", "operator", "view", "role"];

/** An object that came or went with everything that leads to it. */
function isExplained(
  { kind, of }: FenceEntry,
  changed: ReadonlyMap<string, FenceChange[]>,
): boolean {
  if (of.length === 0) return false;
  const callers = leadsByCall.includes(kind);
  return of.every((one) => {
    const found = changed.get(one);
    // The caller has another text; a table or an owner must have come or gone itself.
    return found !== undefined && (callers || found.some(isOfTheWhole));
  });
}

/** The object came or went, or something else has its name. */
function isOfTheWhole({ kind, attribute }: FenceChange): boolean {
  return attribute === null || (["table", "partition"].includes(kind) && attribute === "kind");
}

function whole({ kind, object, create, drop }: FenceEntry, what: "missing" | "added"): FenceChange {
  return what === "missing"
    ? { kind, object, attribute: null, before: "there", after: null, restore: create }
    : { kind, object, attribute: null, before: null, after: "there", restore: drop };
}

function attributesOf(before: FenceEntry, after: FenceEntry): FenceChange[] {
  const { kind, object } = before;
  const earlier = new Map(before.attributes.map((one) => [one.name, one]));
  const later = new Map(after.attributes.map((one) => [one.name, one]));
  const names = [...new Set([...earlier.keys(), ...later.keys()])];
  const changes = names.flatMap((name): FenceChange[] => {
    const was = earlier.get(name);
    const is = later.get(name);
    if (was !== undefined && is !== undefined && samePrinted(was.value, is.value)) return [];
    if (isBetter(kind, name, is)) return [];
    const restore = was === undefined ? (is?.remove ?? null) : (was.restore ?? before.create);
    return [
      {
        kind,
        object,
        attribute: name,
        before: was?.value ?? null,
        after: is?.value ?? null,
        restore,
      },
    ];
  });
  const other = changes.filter(isOfTheWhole);
  return other.length > 0 ? other : changes;
}

/** A view that no longer runs with its owner's privileges opens nothing. */
function isBetter(kind: FenceKind, name: string, after: FenceAttribute | undefined): boolean {
  return kind === "view" && name.startsWith("security_") && after?.value === "on";
}

/** The name of an object of the fence as the fingerprint of the schema has it. */
export function asInFingerprint(object: string): string {
  return object.replace(/^(table|partition|view|materialized view) /, "relation ");
}
