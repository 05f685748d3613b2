import { z } from "zod";
import { nameSchema } from "./relation-name.ts";

const sqlText = z.string().trim().min(1, "SQL cannot be empty");
const relationText = z.string().min(1);
const reason = z.string().trim().min(3, "say why, in a few words");

const tableOptions = {
  /** `admins`: members read, only owners and admins of the organization write. */
  access: z.enum(["members", "admins"]).default("members"),
  /** Rows whose organization the source cannot tell: refuse them, or give them to the default. */
  unattributed: z.enum(["error", "default"]).default("error"),
};

const tableSchema = z.union([
  z.literal("default"),
  z.strictObject({ source: z.literal("default"), access: tableOptions.access }),
  z.strictObject({ via: nameSchema, ...tableOptions }),
  z.strictObject({ user: nameSchema, ...tableOptions }),
  z.strictObject({ sql: sqlText, ...tableOptions }),
]);

const organizationSchema = z.strictObject({
  name: z.string().trim().min(1),
  slug: z
    .string()
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "lower-case letters, digits and single hyphens"),
});

const stageSchema = z.strictObject({ tables: z.record(relationText, tableSchema) });

const identitySchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("supabase") }),
  z.strictObject({ kind: z.literal("jwt-claim"), claim: z.string().min(1).default("sub") }),
  z.strictObject({
    kind: z.literal("setting"),
    // PostgreSQL takes a setting of its own only with a dot in its name.
    setting: z.string().regex(/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)+$/i, "like app.user_id"),
  }),
]);

const names = z.array(z.string().min(1)).default([]);

const globs = z.array(z.string().min(1));

/** One part of the application's code, with what its organization is called there. */
const codePart = (include: string[]) => ({
  include: globs.min(1).default(include),
  exclude: globs.default(["**/*.{test,spec}.*", "**/__tests__/**", "**/*.d.ts"]),
  /** Where it is in scope, this says whose organization is asked for. */
  organization: z
    .string()
    .regex(
      /^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$/,
      "like organizationId or session.organizationId",
    )
    .default("organizationId"),
  /** A React hook that gives it, for components and hooks that do not have it yet. */
  hook: z
    .strictObject({
      name: z.string().regex(/^use[A-Z]\w*$/, "like useOrganization"),
      from: z.string().min(1),
    })
    .optional(),
});

const appSchema = z
  .strictObject(codePart(["src/**/*.{ts,tsx,js,jsx}", "public/*sw*.js", "vite.config.*"]))
  .refine(({ hook, organization }) => hook === undefined || !organization.includes("."), {
    path: ["organization"],
    message: "with a hook, it is a name that the hook returns",
  })
  .prefault({});

const functionsSchema = z
  .strictObject({
    ...codePart(["supabase/functions/**/*.ts"]),
    /** An asynchronous function of the request that gives it, for handlers that verify their user. */
    caller: z
      .strictObject({
        name: z
          .string()
          .regex(/^[A-Za-z_$][\w$]*$/, "like callerOrganization")
          .default("callerOrganization"),
        /** A file, from the code's folder. */
        from: z.string().endsWith(".ts", "a file, like supabase/functions/_shared/organization.ts"),
      })
      .optional(),
  })
  .refine(
    ({ hook, caller, organization }) =>
      (hook === undefined && caller === undefined) || !organization.includes("."),
    { path: ["organization"], message: "with a hook or caller, it is a name that that returns" },
  )
  .prefault({});

const codeSchema = z
  .strictObject({
    /** Where the application's code is. */
    folder: z.string().min(1).default("."),
    /** The compiler's settings, for paths and strictness; else tsconfig.app.json or tsconfig.json. */
    tsconfig: z.string().min(1).optional(),
    app: appSchema,
    functions: functionsSchema,
    /** `service-role-only` trusts row-level security with what the user's key reads. */
    filters: z.enum(["explicit", "service-role-only"]).default("explicit"),
    /** Names of environment variables, imports and functions that tell whose client it is. */
    clients: z
      .strictObject({
        serviceRole: z
          .array(z.string().min(1))
          .default(["SERVICE_ROLE_KEY", "SUPABASE_SECRET_KEY", "SUPABASE_SECRET_KEYS"]),
        userKey: z
          .array(z.string().min(1))
          .default(["SUPABASE_ANON_KEY", "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_KEY"]),
      })
      .prefault({}),
    /** Columns by which a table's rows are looked up before any organization is known. */
    lookups: z.record(relationText, z.array(nameSchema).min(1)).default({}),
    /** Columns of unique constraints that became one for each organization: "phone", "user_id, name". */
    uniquePerOrganization: z.record(relationText, z.array(z.string().min(1)).min(1)).default({}),
    /** Keys of caches that hold nothing of any organization. */
    sharedKeys: z.array(z.string().min(1)).default([]),
    /**
     * The application's own commands that must hold before and after its files are changed, by name:
     * `typecheck: "npx tsc --noEmit"`. With at least one, Day 3 rewrites the code.
     */
    gates: z.record(z.string().min(1), z.string().trim().min(1)).default({}),
  })
  .prefault({});

/** What a configuration file holds, as it is written. */
export const configSchema = z.strictObject({
  /** The schema of tables that are named without one, and of the organizations. */
  schema: nameSchema.default("public"),
  names: z
    .strictObject({
      organizationColumn: nameSchema.default("organization_id"),
      organizations: nameSchema.default("organizations"),
      memberships: nameSchema.default("organization_users"),
      /** Holds the helper functions; the API must not expose it. */
      helpers: nameSchema.default("tenancy"),
    })
    .prefault({}),
  identity: identitySchema.default({ kind: "supabase" }),
  users: z.strictObject({
    table: relationText.default("auth.users"),
    id: nameSchema.default("id"),
    /** A condition over the users' table: who owns their organization. */
    owners: sqlText,
    /** A condition over the users' table: who administers it. */
    admins: sqlText.default("FALSE"),
  }),
  /** The roles that the application's requests run as. */
  roles: z
    .strictObject({
      signedIn: nameSchema.default("authenticated"),
      /** Left out, it is `anon` where the database has that role; `null` says that there is none. */
      anonymous: nameSchema.nullable().optional(),
      /** Whom the application logs in as, before it becomes one of the others. */
      login: nameSchema.optional(),
    })
    .prefault({}),
  defaultOrganization: organizationSchema.default({
    name: "Default Organization",
    slug: "default-org",
  }),
  /** Organizations that the data already holds, with a condition over the users' table for each. */
  organizations: z.array(organizationSchema.extend({ users: sqlText })).default([]),
  day1: stageSchema,
  day2: stageSchema,
  /** Reference data that every tenant may read and none may write, with the reason. */
  sharedTables: z.record(relationText, reason).default({}),
  /** Tables left as they are, with the reason. */
  exemptTables: z.record(relationText, reason).default({}),
  missingTables: z.enum(["error", "skip"]).default("error"),
  unlistedTables: z.enum(["error", "warn"]).default("error"),
  /** Row-level security for the tables' owner too: where the application connects as the owner. */
  forceRowSecurity: z.boolean().default(false),
  online: z
    .strictObject({
      /** How long a statement waits for a lock, and so how long writers may queue behind it. */
      lockTimeoutInMilliseconds: z.int().min(10).max(900).default(400),
      lockAttempts: z.int().min(1).max(1000).default(60),
      /** Tables up to this size take all of their steps in one short transaction. */
      smallTableInBytes: z
        .int()
        .min(0)
        .default(1024 * 1024),
      /** Tables that are worked on side by side, where none of them asks another. */
      tablesAtOnce: z.int().min(1).max(16).default(2),
      batchTargetInMilliseconds: z.int().min(5).max(900).default(30),
      replicaLagLimitInMilliseconds: z.int().min(100).default(1500),
    })
    .prefault({}),
  /** What Day 3 hardens beside the fence, by name, or `["all"]`; of a table, as `table.name`. */
  hardening: z
    .strictObject({
      /** Foreign keys between tenant tables, which then name the organization too. */
      foreignKeys: names,
      /** Unique constraints and indexes of tenant tables, which then hold in each organization. */
      uniqueConstraints: names,
      /** Old policies that let everybody through; the plan's own take their place. */
      policies: names,
      /** Views over tenant tables, which then read as whoever asks them. PostgreSQL 15 and later. */
      views: names,
      /** Materialized views over tenant tables, which requests then cannot read. */
      materializedViews: names,
      /** SECURITY DEFINER functions, which then have a search_path of their own: `f(integer)`. */
      functions: names,
      /** Sequences of tenant tables, which requests then can neither set nor read. */
      sequences: names,
      /** Default privileges, which then grant nothing to requests: `role` or `role in schema`. */
      defaultPrivileges: names,
    })
    .prefault({}),
  /** Findings of the audit that are known and meant, until a day. */
  audit: z
    .strictObject({
      accepted: z
        .array(
          z.strictObject({
            rule: z.string().min(1),
            /** As the audit prints it. */
            object: z.string().min(1),
            reason,
            until: z.iso.date(),
          }),
        )
        .default([]),
    })
    .prefault({}),
  backups: z
    .strictObject({
      folder: z.string().min(1).default("backups"),
      jobs: z.int().min(1).max(64).default(2),
      /**
       * gzip's level, 0 for none. pg_dump's own is 6: on the demo's rows that took 2.2 s for 53 MB, and
       * 3 takes 1.2 s for 59 MB.
       */
      compression: z.int().min(0).max(9).default(3),
      /** How many backups of each stage stay; all, where it is not given. */
      keep: z.int().min(1).optional(),
      /** Age's public keys; with at least one, backups are encrypted for them. */
      recipients: z
        .array(
          z.string().regex(/^age1[0-9a-z]{20,}$/, "a public key as age-keygen prints it: age1…"),
        )
        .default([]),
    })
    .prefault({}),
  /** The application's repository, which is tagged before each stage. */
  git: z
    .strictObject({
      repository: z.string().min(1).default("."),
      /** `reuse` takes the tag where it marks this very commit, and else one with a suffix. */
      ifTagExists: z.enum(["reuse", "suffix", "error"]).default("reuse"),
      /** Where it says nothing, tags are pushed, but not by a CI's job. */
      push: z.boolean().optional(),
      /** Whether a stage without a tag is refused. */
      required: z.boolean().default(false),
    })
    .prefault({}),
  /** The application's code, for `tenantry code`. */
  code: codeSchema,
});

/** A configuration as it is written in `tenantry.config.ts`. */
export type Config = z.input<typeof configSchema>;

/** A configuration with its defaults filled in. */
export type CompleteConfig = z.output<typeof configSchema>;

/** Types a configuration: `export default defineConfig({ … })`. */
export function defineConfig(config: Config): Config {
  return config;
}
