import { keysOf } from "../queries/cache-key.ts";
import type { Symbols } from "../reading/symbols.ts";
import type { Violation } from "../violations.ts";

/**
 * The group of each violation; a group is fixed completely or not at all: places of one cache key, rows and
 * conflict columns of one upsert. A place with several keys joins their groups.
 */
export function groupsOf(
  violations: readonly Violation[],
  symbols: Symbols,
): ReadonlyMap<Violation, string> {
  const joined = new Map<string, string>();
  const groupOf = (key: string): string => {
    const other = joined.get(key);
    return other === undefined ? key : groupOf(other);
  };
  const firsts = new Map<Violation, string>();
  for (const violation of violations) {
    const [first, ...others] = linksOf(violation, symbols);
    if (first === undefined) continue;
    firsts.set(violation, first);
    for (const other of others)
      if (groupOf(other) !== groupOf(first)) joined.set(groupOf(other), groupOf(first));
  }
  return new Map([...firsts].map(([violation, first]) => [violation, groupOf(first)]));
}

function linksOf({ entry, place }: Violation, symbols: Symbols): readonly string[] {
  if (entry?.kind === "cache") return keysOf(symbols, entry);
  if (entry?.kind !== "chain" || entry.operation !== "upsert") return [];
  return [`upsert ${place.file}:${place.line}:${place.column}`];
}
