import type { FingerprintDifference } from "./fingerprint.ts";
import { inShort } from "./in-short.ts";

/** The words that begin each attribute of a definition, in their order. */
const labels: Readonly<Record<string, readonly string[]>> = {
  schema: ["owner", "grants"],
  relation: [
    "kind",
    "owner",
    "persistence",
    "row security",
    "forced",
    "replica identity",
    "options",
    "partition of",
    "bound",
    "grants",
    "definition",
  ],
  column: [
    "default",
    "identity",
    "generated",
    "collation",
    "storage",
    "grants",
    "options",
    "comment",
  ],
  policy: ["for", "to", "using", "check"],
  trigger: ["enabled"],
  function: ["owner", "grants"],
  sequence: ["type", "start", "increment", "minimum", "maximum", "cache", "cycle", "owned by"],
};

const kinds: Readonly<Record<string, string>> = {
  r: "table",
  p: "table",
  v: "view",
  m: "materialized view",
  f: "foreign table",
  S: "sequence",
};

/** A difference for people, an attribute a line: `view public.open_deals: security_invoker off → on`. */
export function differenceInAttributes(difference: FingerprintDifference): readonly string[] {
  const { object } = difference;
  switch (difference.kind) {
    case "missing":
      return [`${titled(object, difference.before)}: is missing`];
    case "added":
      return [`${titled(object, difference.after)}: is new`];
    case "changed": {
      const name = titled(object, difference.after);
      const before = attributesOf(object, difference.before);
      const after = attributesOf(object, difference.after);
      return [...new Set([...before.keys(), ...after.keys()])].flatMap((attribute) => {
        const [was, is] = inShort(before.get(attribute) ?? null, after.get(attribute) ?? null);
        return before.get(attribute) === after.get(attribute)
          ? []
          : [`${name}: ${attribute} ${inWords(attribute, was)} → ${inWords(attribute, is)}`];
      });
    }
    default:
      return difference satisfies never;
  }
}

/** A view is called a view, and not a relation. */
function titled(object: string, definition: string): string {
  if (!object.startsWith("relation ")) return object;
  const kind = kinds[/^kind (\w)/.exec(definition)?.[1] ?? ""];
  return kind === undefined ? object : `${kind}${object.slice("relation".length)}`;
}

/** What is off or at its default is not printed among the options. */
function inWords(attribute: string, value: string): string {
  if (value === "t" || value === "f") return value === "t" ? "on" : "off";
  if (value !== "none" || !attribute.includes("_")) return value;
  return attribute.startsWith("security_") ? "off" : "default";
}

function attributesOf(object: string, definition: string): ReadonlyMap<string, string> {
  const kind = object.split(" ", 1)[0] ?? "";
  const found = new Map<string, string>();
  // In a function's definition the last ones are meant: its body may have the same words.
  const place = (label: string, from: number) =>
    kind === "function"
      ? definition.lastIndexOf(` ${label} `)
      : ` ${definition} `.indexOf(` ${label} `, from) - 1;
  let name = "definition";
  let start = 0;
  for (const label of labels[kind] ?? []) {
    const at = place(label, start);
    if (at < start - 1 || (at < 0 && !definition.startsWith(`${label} `))) continue;
    keep(found, name, definition.slice(start, Math.max(at, start)));
    name = label;
    start = Math.max(at, -1) + label.length + 1;
  }
  keep(found, name, definition.slice(start));
  return found;
}

function keep(found: Map<string, string>, name: string, text: string): void {
  const value = text.trim();
  if (value === "") return;
  if (name !== "options") {
    found.set(name, value);
    return;
  }
  for (const [, option = "", set = ""] of value.matchAll(/([\w.]+)=([^,}"]*)/g))
    found.set(option, set);
}
