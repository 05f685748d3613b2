import type ts from "typescript";
import { conflictOf } from "../fence/conflict.ts";
import { organizationAt } from "../fence/organization.ts";
import { storedUnder } from "../fence/stored-values.ts";
import type { Chain, Entry } from "../queries/entry.ts";
import type { Inventory } from "../queries/inventory.ts";
import { memoize } from "../reading/memoize.ts";
import type { Violation } from "../violations.ts";
import { addFilter } from "./add-filter.ts";
import { addLastProperty } from "./add-property.ts";
import { keyByOrganization } from "./cache-key.ts";
import { type Edit, type Fix, isRefusal, type Refusal, refuse } from "./edit.ts";
import { whyNoHook } from "./hook-place.ts";
import { introduce } from "./introduce.ts";
import { stripOrganization } from "./strip-organization.ts";
import { writeOrganization } from "./write-organization.ts";

/**
 * The changes that fix a finding, or why it is left as it is.
 * @param together the group that it is fixed with or not at all
 */
export function fix(
  violation: Violation,
  inventory: Inventory,
  together: string | undefined,
): Fix | Refusal {
  const { entry, rule } = violation;
  if (entry === undefined) return refuse("it takes somebody who knows what was meant");
  const edits = editsFor(entry, rule.id, inventory);
  return isRefusal(edits) ? edits : { violation, edits, together };
}

function editsFor(entry: Entry, rule: string, inventory: Inventory): readonly Edit[] | Refusal {
  const column = inventory.project.settings.names.organizationColumn;
  if (entry.kind === "chain") return editsForChain(entry, rule, column, inventory);
  if (entry.kind === "subscription" && rule === "unfenced-subscription") {
    const { options, filter } = entry;
    if (options === undefined) return refuse("what it listens to is not written out here");
    if (filter !== undefined) return refuse("a subscription takes one filter only");
    if (entry.table === undefined) return refuse("which table it listens to cannot be told");
    return named(options, entry, inventory, (organization) =>
      addLastProperty(options, `filter: \`${column}=eq.\${${organization}}\``),
    );
  }
  const isKept = entry.kind === "cache" && /Storage$/.test(entry.store);
  if (isKept && entry.method !== "persist" && storedUnder(entry, inventory) === "unknown")
    return refuse(
      "whether it is tenants' data or the interface's own state cannot be told: name the key in code.sharedKeys, or put the organization into it",
    );
  if (entry.kind === "cache" && rule === "shared-cache")
    return named(entry.key ?? entry.node, entry, inventory, (organization) =>
      keyByOrganization(entry, organization),
    );
  switch (entry.kind) {
    case "sql":
      return refuse("SQL in a text is not rewritten");
    case "storage":
      return refuse("files that are there already would not be found any more");
    case "other":
      return refuse("its library is not read");
    case "rpc":
      return refuse("what the function takes is in the database");
    default:
      return refuse("it takes somebody's decision");
  }
}

function editsForChain(
  chain: Chain,
  rule: string,
  column: string,
  inventory: Inventory,
): readonly Edit[] | Refusal {
  const { operationCall, payload } = chain;
  if (operationCall === undefined) return refuse("what is done with the table is not written here");
  const isTenants = (chainsOf(inventory).get(operationCall) ?? []).every(({ relations }) =>
    relations.every(inventory.tables.hasOrganization),
  );
  if (!isTenants)
    return refuse(
      rule === "unlisted-table" || rule === "embedded-table"
        ? "it takes somebody's decision"
        : "it is not always of a table that has an organization",
    );
  switch (rule) {
    case "unfenced-query":
      return named(operationCall, chain, inventory, (organization) =>
        addFilter(operationCall, column, organization),
      );
    case "insert-without-organization": {
      const open = payload?.rows.filter(({ judgement }) => judgement.kind !== "set") ?? [];
      const rows = open.length > 0 ? open : (payload?.rows ?? []);
      if (rows.length === 0) return refuse("no row is written out here");
      return all(rows, (row) =>
        named(row.node, chain, inventory, (organization) =>
          writeOrganization(row, column, organization),
        ),
      );
    }
    case "organization-overwritten":
      return all(payload?.rows ?? [], (row) => stripOrganization(row, column));
    case "conflict-columns": {
      const conflict = conflictOf(chain, inventory);
      if (conflict?.kind !== "changed") return refuse("its columns are not written out here");
      const { node, becomes } = conflict;
      return [
        {
          source: node.getSourceFile(),
          at: node.getStart() + 1,
          until: node.getEnd() - 1,
          text: becomes,
        },
      ];
    }
    default:
      return refuse("it takes somebody's decision");
  }
}

/** Which queries an operation is of: several, where a table is one of two. */
const chainsOf = memoize(({ entries }: Inventory) => {
  const found = new Map<ts.CallExpression, Chain[]>();
  for (const entry of entries) {
    if (entry.kind !== "chain" || entry.operationCall === undefined) continue;
    const others = found.get(entry.operationCall);
    if (others === undefined) found.set(entry.operationCall, [entry]);
    else others.push(entry);
  }
  return found;
});

/** Changes that need the organization at a place, with what makes it known there. */
function named(
  node: ts.Node,
  entry: Entry,
  inventory: Inventory,
  change: (organization: string) => readonly Edit[] | Refusal,
): readonly Edit[] | Refusal {
  const here = organizationAt(node, entry, inventory);
  if (here.kind === "none") return refuse(here.reason);
  const { hook } = inventory.project.settings.code.app;
  if (here.kind === "by hook" && hook !== undefined) {
    const reason = whyNoHook(here.body.parent, hook, inventory);
    if (reason !== undefined) return refuse(reason);
  }
  const edits = change(here.text);
  if (isRefusal(edits)) return edits;
  return [...edits, ...introduce(here, node, entry.part, inventory.project)];
}

function all<Item>(
  items: readonly Item[],
  change: (item: Item) => readonly Edit[] | Refusal,
): readonly Edit[] | Refusal {
  const edits: Edit[] = [];
  for (const item of items) {
    const own = change(item);
    if (isRefusal(own)) return own;
    edits.push(...own);
  }
  return edits;
}
