import type { Inventory } from "./queries/inventory.ts";
import type { Entry } from "./queries/inventory-entry.ts";

export const levels = ["error", "warning"] as const;

/** What is wrong in one place, and how to fix it by hand. */
export type FactAndFix = { readonly fact: string; readonly fix: string };

/** One way in which code leaks tenants' data. */
export type Rule = {
  readonly id: string;
  /** An error fails `tenantry code check`. */
  readonly level: (typeof levels)[number];
  readonly title: string;
  readonly why: string;
  readonly find: (entry: Entry, inventory: Inventory) => FactAndFix | undefined;
};
