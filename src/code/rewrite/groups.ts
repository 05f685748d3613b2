import type { Finding } from "../findings.ts";
import type { Symbols } from "../reading/symbols.ts";
import { keysOf } from "./cache-key.ts";

/**
 * What is fixed together or not at all, by the name of its group: places of one key, rows and conflict
 * columns of an upsert. A place of several keys makes one group of theirs.
 */
export function groupsOf(
  findings: readonly Finding[],
  symbols: Symbols,
): ReadonlyMap<Finding, string> {
  const joined = new Map<string, string>();
  const groupOf = (key: string): string => {
    const other = joined.get(key);
    return other === undefined ? key : groupOf(other);
  };
  const firsts = new Map<Finding, string>();
  for (const finding of findings) {
    const [first, ...others] = linksOf(finding, symbols);
    if (first === undefined) continue;
    firsts.set(finding, first);
    for (const other of others)
      if (groupOf(other) !== groupOf(first)) joined.set(groupOf(other), groupOf(first));
  }
  return new Map([...firsts].map(([finding, first]) => [finding, groupOf(first)]));
}

function linksOf({ entry, place }: Finding, symbols: Symbols): readonly string[] {
  if (entry?.kind === "cache") return keysOf(symbols, entry);
  if (entry?.kind !== "chain" || entry.operation !== "upsert") return [];
  return [`upsert ${place.file}:${place.line}:${place.column}`];
}
