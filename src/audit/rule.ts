import { z } from "zod";
import type { ReachedRole, RequestRoles } from "../catalog/request-roles.ts";
import type { Routines } from "../catalog/routines/routine.ts";
import type { Settings } from "../config/settings.ts";
import type { Queries } from "../postgres/connection.ts";
import type { RelationName, Some, Sql } from "../postgres/sql.ts";
import type { RemoteCall } from "../steps/definer/proposal.ts";
import type { Tenancy } from "../steps/model/tenancy.ts";
import type { Leak } from "./leaks.ts";

export const severities = ["critical", "high", "medium", "low"] as const;
export type Severity = (typeof severities)[number];

/** The names that the rules' queries use; all of them exist. */
export type AuditContext = {
  readonly tenancy: Tenancy;
  /** The roles that the application's requests run as. */
  readonly roles: Some<string>;
  /** From which all roles that requests can become are computed. */
  readonly requests: RequestRoles & {
    /** The roles of the configuration, and those of Supabase. */
    readonly listed: readonly string[];
  };
  /** The settings that name the user of a request. */
  readonly identitySettings: readonly string[];
  readonly tenantTables: readonly RelationName[];
  readonly sharedTables: readonly RelationName[];
  readonly exemptTables: readonly RelationName[];
  /** What the configuration decides about functions that run as their owner. */
  readonly functions: Settings["functions"];
  /** The application's calls of functions; undefined where its code was not read. */
  readonly calls?: readonly RemoteCall[] | undefined;
  /** Tables with a row for each user, and the column with the user's id. */
  readonly profiles: readonly { readonly relation: RelationName; readonly user: string }[];
  /** As PostgreSQL counts: 150018 for 15.18. */
  readonly serverVersion: number;
};

/** What a rule is asked with: `roles` are then all roles that requests can become. */
export type RuleContext = AuditContext & {
  /** The database's functions and what they are reached through: read once, for the first rule that asks. */
  readonly routines: () => Promise<Routines>;
  /** The roles that requests have, read from the database as it is now. */
  readonly reached: readonly ReachedRole[];
};

/** One way in which the fence is broken on purpose, to test that it is noticed. */
export type Mutant = {
  readonly name: string;
  /** The leak that it opens. */
  readonly leak: Leak;
} & (
  | {
      readonly kind: "damage";
      readonly damage: (fence: BrokenFence) => Some<Sql>;
      /** The oldest major version that has what it changes. */
      readonly since?: number;
      /** The identity that it needs; any, where none is named. */
      readonly identity?: BrokenFence["identity"];
    }
  /** For facts that no statement can change. */
  | { readonly kind: "pretence"; readonly pretends: (context: AuditContext) => AuditContext }
);

/** What a mutant is applied to. */
export type BrokenFence = AuditContext & {
  /** A tenant table with rows of several organizations. */
  readonly table: RelationName;
  /** Another, which references it. */
  readonly child: RelationName;
  readonly role: string;
  /** The login role of all requests. */
  readonly login: string;
  /** How the database knows a request's user. */
  readonly identity: "supabase" | "jwt-claim" | "setting";
};

/** A leak that the catalog shows. */
export type Rule = {
  /** Its file's name. */
  readonly id: string;
  readonly severity: Severity;
  readonly title: string;
  /** Why it leaks. */
  readonly why: string;
  /** The page that documents it. */
  readonly source: string;
  readonly mutants: Some<Mutant>;
} & (
  | {
      /** Selects `object`, `fact` (what is wrong with it), `fix` (the SQL), and maybe `severity`, each a text. */
      readonly findings: (context: RuleContext) => Sql;
    }
  /** For what a query alone does not show. */
  | { readonly find: (queries: Queries, context: RuleContext) => Promise<readonly Found[]> }
);

export const foundSchema = z.object({
  object: z.string(),
  fact: z.string(),
  fix: z.string(),
  /** Where the rule's own does not fit each of its findings. */
  severity: z.enum(severities).optional(),
});

export type Found = z.output<typeof foundSchema>;
