import type ts from "typescript";
import { conflictOf } from "../fence/conflict.ts";
import { organizationAt } from "../fence/organization.ts";
import { storedUnder } from "../fence/stored-values.ts";
import type { Inventory } from "../queries/inventory.ts";
import type { Chain, Entry } from "../queries/inventory-entry.ts";
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
 * The changes that fix a violation, or why it is left unchanged.
 * @param together the group of violations that are all fixed, or none of them
 */
export function fix(
  violation: Violation,
  inventory: Inventory,
  together: string | undefined,
): Fix | Refusal {
  const { entry, rule } = violation;
  if (entry === undefined) return refuse("a person must decide this");
  const edits = editsFor(entry, rule.id, inventory);
  return isRefusal(edits) ? edits : { violation, edits, together };
}

function editsFor(entry: Entry, rule: string, inventory: Inventory): readonly Edit[] | Refusal {
  const column = inventory.project.settings.names.organizationColumn;
  if (entry.kind === "chain") return editsForChain(entry, rule, column, inventory);
  if (entry.kind === "subscription" && rule === "unfenced-subscription") {
    const { options, filter } = entry;
    if (options === undefined) return refuse("its options are not an object literal");
    if (filter !== undefined) return refuse("a subscription can have only one filter");
    if (entry.table === undefined) return refuse("its table cannot be determined");
    return named(options, entry, inventory, (organization) =>
      addLastProperty(options, `filter: \`${column}=eq.\${${organization}}\``),
    );
  }
  const isKept = entry.kind === "cache" && /Storage$/.test(entry.store);
  if (isKept && entry.method !== "persist" && storedUnder(entry, inventory) === "unknown")
    return refuse(
      "it may be tenants' data or state of the user interface: add the key to code.sharedKeys, or add the organization to the key",
    );
  if (entry.kind === "cache" && rule === "shared-cache")
    return named(entry.key ?? entry.node, entry, inventory, (organization) =>
      keyByOrganization(entry, organization),
    );
  switch (entry.kind) {
    case "sql":
      return refuse("SQL in strings is not rewritten");
    case "storage":
      return refuse("existing files would no longer be found");
    case "other":
      return refuse("Tenantry does not read this library");
    case "rpc":
      return refuse("the function's parameters are defined in the database");
    default:
      return refuse("a person must decide this");
  }
}

function editsForChain(
  chain: Chain,
  rule: string,
  column: string,
  inventory: Inventory,
): readonly Edit[] | Refusal {
  const { operationCall, payload } = chain;
  if (operationCall === undefined) return refuse("the operation on the table is elsewhere");
  const isTenants = (chainsOf(inventory).get(operationCall) ?? []).every(({ relations }) =>
    relations.every(inventory.tables.hasOrganization),
  );
  if (!isTenants)
    return refuse(
      rule === "unlisted-table" || rule === "embedded-table"
        ? "a person must decide this"
        : "its table does not always have an organization",
    );
  switch (rule) {
    case "unfenced-query":
      return named(operationCall, chain, inventory, (organization) =>
        addFilter(operationCall, column, organization),
      );
    case "insert-without-organization": {
      const open = payload?.rows.filter(({ judgement }) => judgement.kind !== "set") ?? [];
      const rows = open.length > 0 ? open : (payload?.rows ?? []);
      if (rows.length === 0) return refuse("its rows are not literals");
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
      if (conflict?.kind !== "changed") return refuse("its columns are not a string literal");
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
      return refuse("a person must decide this");
  }
}

/** The queries of an operation: several where its table can be one of two. */
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

/** Changes that need the organization in a place, with what makes it known there. */
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
