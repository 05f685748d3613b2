import type { clientKinds } from "../clients/client-key.ts";
import { type State, stateOf } from "../fence/fence.ts";
import { shortText } from "../reading/syntax.ts";
import type { Inventory } from "./inventory.ts";
import type { Entry } from "./inventory-entry.ts";

export const entryKinds = [
  "chain",
  "rpc",
  "invocation",
  "storage",
  "subscription",
  "cache",
  "sql",
  "other",
] as const;

/** One entry of the inventory as plain data. */
export type InventoryRow = {
  readonly what: (typeof entryKinds)[number];
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly part: Entry["part"];
  /** The table, function, bucket or key; the expression where it cannot be read. */
  readonly name: string;
  readonly resolved: boolean;
  readonly operation: string | null;
  readonly client: (typeof clientKinds)[number] | null;
  readonly clientFrom: string | null;
  readonly payload: string | null;
  readonly filters: readonly {
    readonly method: string;
    readonly column: string | null;
    readonly when: string | null;
  }[];
  readonly embeds: readonly string[];
  /** Calls on it in later statements. */
  readonly later: readonly {
    readonly line: number;
    readonly calls: readonly string[];
    readonly when: string | null;
    readonly discarded: boolean;
  }[];
  readonly state: State;
  /** Why it is for all organizations, from its annotation. */
  readonly reason: string | null;
};

/** The whole inventory as plain data. */
export function inventoryRows(inventory: Inventory): InventoryRow[] {
  return inventory.entries.map((entry) => ({
    what: entry.kind,
    ...entry.place,
    part: entry.part,
    ...named(entry),
    ...ofClient(entry),
    ...ofChain(entry),
    state: stateOf(entry, inventory),
    reason: entry.annotation?.reason ?? null,
  }));
}

function named(entry: Entry): Pick<InventoryRow, "name" | "resolved" | "operation"> {
  switch (entry.kind) {
    case "chain": {
      const { tables, operation } = entry;
      return tables.kind === "known"
        ? { name: tables.names.join(" or "), resolved: true, operation }
        : { name: tables.text, resolved: false, operation };
    }
    case "rpc":
    case "invocation":
      return { name: entry.name, resolved: true, operation: null };
    case "storage":
      return { name: entry.bucket, resolved: true, operation: entry.method };
    case "subscription":
      return {
        name: entry.table ?? shortText(entry.node),
        resolved: entry.table !== undefined,
        operation: "subscribe",
      };
    case "cache": {
      const key = entry.key === undefined ? "(its URL)" : shortText(entry.key);
      return { name: `${entry.store} ${key}`, resolved: true, operation: entry.method };
    }
    case "sql": {
      const tables = [...new Set(entry.relations.map(({ name }) => name))];
      const operation = /\w+/.exec(entry.text)?.[0]?.toUpperCase() ?? null;
      const resolved = entry.unread === undefined;
      return { name: tables.join(", ") || (entry.unread ?? ""), resolved, operation };
    }
    case "other":
      return { name: shortText(entry.node), resolved: false, operation: entry.library };
    default:
      return entry satisfies never;
  }
}

function ofClient(entry: Entry): Pick<InventoryRow, "client" | "clientFrom"> {
  return "client" in entry
    ? { client: entry.client.kind, clientFrom: entry.client.from }
    : { client: null, clientFrom: null };
}

function ofChain(entry: Entry): Pick<InventoryRow, "payload" | "filters" | "embeds" | "later"> {
  if (entry.kind !== "chain") return { payload: null, filters: [], embeds: [], later: [] };
  return {
    payload: entry.payload?.form ?? null,
    filters: entry.filters.map(({ method, column, when }) => ({
      method,
      column,
      when: when ?? null,
    })),
    embeds: entry.selection.embeds,
    later: entry.later.map(({ line, calls, when, discarded }) => ({
      line,
      calls: calls.map(({ name }) => name),
      when: when ?? null,
      discarded,
    })),
  };
}
