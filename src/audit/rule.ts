import { z } from "zod";
import type { RelationName, Some, Sql } from "../postgres/sql.ts";
import type { Tenancy } from "../steps/model/tenancy.ts";
import type { Leak } from "./leaks.ts";

export const severities = ["critical", "high", "medium", "low"] as const;
export type Severity = (typeof severities)[number];

/** What the rules ask about: names only, all of them of things that are there. */
export type AuditContext = {
  readonly tenancy: Tenancy;
  /** The roles that the application's requests run as. */
  readonly roles: Some<string>;
  readonly tenantTables: readonly RelationName[];
  readonly sharedTables: readonly RelationName[];
  readonly exemptTables: readonly RelationName[];
  /** As PostgreSQL counts: 150018 for 15.18. */
  readonly serverVersion: number;
};

/** One way in which the fence is broken on purpose, to see that somebody notices. */
export type Mutant = {
  readonly name: string;
  /** The way out that it opens. */
  readonly leak: Leak;
} & (
  | {
      readonly kind: "damage";
      readonly damage: (fence: BrokenFence) => Some<Sql>;
      /** The oldest major that has what is broken. */
      readonly since?: number;
      /** The identity that it needs; any, where none is named. */
      readonly identity?: BrokenFence["identity"];
    }
  /** For what no statement can change. */
  | { readonly kind: "pretence"; readonly pretends: (context: AuditContext) => AuditContext }
);

/** What a mutant is made on. */
export type BrokenFence = AuditContext & {
  /** A tenant table with rows of several organizations. */
  readonly table: RelationName;
  /** Another, which references it. */
  readonly child: RelationName;
  readonly role: string;
  /** Whom all requests log in as. */
  readonly login: string;
  /** How the database knows who asks. */
  readonly identity: "supabase" | "jwt-claim" | "setting";
};

/** A way in which tenants' data gets out, as the catalog shows it. */
export type Rule = {
  /** Its file's name. */
  readonly id: string;
  readonly severity: Severity;
  readonly title: string;
  /** Why it leaks. */
  readonly why: string;
  /** Where that is from. */
  readonly source: string;
  /** Selects `object`, `fact` and `fix`, each a text: what, what is wrong with it, and the SQL. */
  readonly findings: (context: AuditContext) => Sql;
  readonly mutants: Some<Mutant>;
};

export const foundSchema = z.object({ object: z.string(), fact: z.string(), fix: z.string() });
