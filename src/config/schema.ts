import { z } from "zod";
import { codeSchema } from "./code-schema.ts";
import {
  auditSchema,
  functionDecisionSchema,
  hardeningSchema,
  reason,
} from "./hardening-schema.ts";
import { nameSchema, relationText } from "./relation-name.ts";
import {
  identitySchema,
  organizationSchema,
  profileSchema,
  sqlText,
  stageSchema,
} from "./tenancy-schema.ts";

// docs/configuration.md's table of settings is generated from these schemas: `description` is the
// meaning, `whenOmitted` a default that depends on the database or the environment, `see` a link.

/** The content of a configuration file, as it is written. */
export const configSchema = z.strictObject({
  schema: nameSchema
    .default("public")
    .describe(
      "the schema of tables that are named without a schema, and of the organizations and memberships",
    ),
  names: z
    .strictObject({
      organizationColumn: nameSchema
        .default("organization_id")
        .describe("the column that is added to every tenant table"),
      organizations: nameSchema.default("organizations").describe("the table of organizations"),
      memberships: nameSchema
        .default("organization_users")
        .describe("the table of memberships: which user belongs to which organization"),
      helpers: nameSchema
        .default("tenancy")
        .describe("the schema of the helper functions; the API must not expose it"),
    })
    .prefault({}),
  identity: identitySchema.default({ kind: "supabase" }).meta({
    description: "how a request identifies its user",
    see: "[identity](#identity)",
  }),
  users: z.strictObject({
    table: relationText.default("auth.users").describe("the users' table"),
    id: nameSchema
      .default("id")
      .describe("the key of the users' table; a primary key or a unique column"),
    owners: sqlText.describe(
      "an SQL condition on a row of the users' table, `record`: the owners of their organization. Every organization with members needs at least one",
    ),
    admins: sqlText
      .default("FALSE")
      .describe("the same condition for the admins of their organization"),
  }),
  roles: z
    .strictObject({
      signedIn: nameSchema
        .default("authenticated")
        .describe("the role that requests of signed-in users run as"),
      anonymous: nameSchema.nullable().optional().meta({
        description: "the role that requests without a user run as; `null`: there is none",
        whenOmitted:
          "`anon`, if this database grants it anything or it is a member of another role; else `null`",
      }),
      login: nameSchema.optional().meta({
        description: "the role that the application logs in as, before it runs `SET ROLE`",
        whenOmitted: "`authenticator`, if the database has Supabase's role of that name",
        see: "[the proof](audit.md#the-proof)",
      }),
    })
    .prefault({}),
  defaultOrganization: organizationSchema.default({
    name: "Default Organization",
    slug: "default-org",
  }),
  organizations: z
    .array(
      organizationSchema.extend({
        users: sqlText.describe(
          "an SQL condition on a row of the users' table, `record`: the members of the organization",
        ),
      }),
    )
    .default([])
    .describe("organizations whose data is in the database already"),
  day1: stageSchema("Day 1"),
  day2: stageSchema("Day 2"),
  sharedTables: z
    .record(relationText, reason)
    .default({})
    .describe(
      "by table, the reason why every organization reads it and none writes it: reference data",
    ),
  profiles: z.record(relationText, profileSchema).default({}).meta({
    description:
      "tables with a row for each user, such as the users' table itself: users read and change their own row, and read the rows of members of their organizations. Day 2 fences them",
    see: "[users and profiles](adding-tables.md#users-and-profiles)",
  }),
  exemptTables: z.record(relationText, reason).default({}).meta({
    description:
      "by table, the reason why it is not changed. Where requests reach one without row-level security, `tenantry verify` fails until that is accepted by name",
    see: "[exempt tables](adding-tables.md#exempt-tables)",
  }),
  missingTables: z
    .enum(["error", "skip"])
    .default("error")
    .describe("tables of the configuration that do not exist: `skip` skips them with a note"),
  unlistedTables: z
    .enum(["error", "warn"])
    .default("error")
    .describe(
      "tables of the database that the configuration does not name: `warn` reports them in a note and leaves them open to every tenant",
    ),
  forceRowSecurity: z
    .boolean()
    .default(false)
    .describe(
      "`FORCE ROW LEVEL SECURITY`: policies apply to the tables' owner too. Set it if the application connects as the owner",
    ),
  functions: z.array(functionDecisionSchema).default([]).meta({
    description:
      "what Day 3 does about functions that run as their owner and that requests reach, where its proposal is not enough",
    see: "[functions](#functions)",
  }),
  online: z
    .strictObject({
      lockTimeoutInMilliseconds: z
        .int()
        .min(10)
        .max(900)
        .default(400)
        .describe(
          "`lock_timeout` of a step: how long it waits for a lock, and how long writers can queue behind it",
        ),
      lockAttempts: z.int().min(1).max(1000).optional().meta({
        description: "how often a step tries to get a lock, with increasing pauses between",
        whenOmitted: "until `giveUpAfterInMilliseconds`",
      }),
      giveUpAfterInMilliseconds: z
        .int()
        .min(0)
        .default(600_000)
        .describe(
          "how long a step is retried while it makes no progress because of a fault that can pass: a lost or refused connection, a lock, a cancelled statement, a server that starts or has no room. Then the step has failed",
        ),
      onFailure: z.enum(["rollback", "stop", "ask"]).optional().meta({
        description:
          "what happens to a stage whose step fails: `rollback` undoes it, `stop` keeps the steps that are applied, so that `tenantry run` resumes, `ask` asks. `tenantry run --on-failure` overrides it",
        whenOmitted: "`ask` at a terminal, else `rollback`",
        see: "[failures](#failures)",
      }),
      smallTableInBytes: z
        .int()
        .min(0)
        .default(1024 * 1024)
        .describe("tables up to this size get all of their steps in one short transaction"),
      tablesAtOnce: z
        .int()
        .min(1)
        .max(16)
        .default(2)
        .describe(
          "how many tables are changed in parallel, each in a separate session. Sessions that no table needs help the backfills",
        ),
      batchTargetInMilliseconds: z
        .int()
        .min(5)
        .max(900)
        .default(30)
        .describe(
          "the target duration of a batch of the backfill. While a writer waits for one of its rows, batches shrink to as little as a quarter of it",
        ),
      replicaLagLimitInMilliseconds: z
        .int()
        .min(100)
        .default(1500)
        .describe("the backfill pauses while a replica lags more than this"),
    })
    .prefault({}),
  hardening: hardeningSchema,
  audit: auditSchema,
  backups: z
    .strictObject({
      folder: z.string().min(1).default("backups").meta({
        description: "the folder of the backups; it gets a `.gitignore`",
        see: "[backups](backups.md#what-a-backup-is)",
      }),
      jobs: z
        .int()
        .min(1)
        .max(64)
        .default(2)
        .describe("`pg_dump --jobs`; an encrypted dump is written by one job"),
      // On the demo's rows, level 6 took 2.2 s for 53 MB, and level 3 takes 1.2 s for 59 MB.
      compression: z
        .int()
        .min(0)
        .max(9)
        .default(3)
        .describe(
          "the gzip level, 0 for none. pg_dump's default, 6, takes about twice as long and saves about a tenth of the size",
        ),
      keep: z.int().min(1).optional().meta({
        description: "how many backups of each stage are kept",
        whenOmitted: "all",
        see: "[backups](backups.md)",
      }),
      recipients: z
        .array(
          z
            .string()
            .regex(/^age1[0-9a-z]{20,}$/, "must be a public key as age-keygen prints it: age1…"),
        )
        .default([])
        .describe("public keys of age; with at least one, backups are encrypted for them"),
    })
    .prefault({}),
  git: z
    .strictObject({
      repository: z
        .string()
        .min(1)
        .default(".")
        .describe(
          "a folder of the application's git repository, which is tagged before each stage: `before-multitenancy-day1`",
        ),
      ifTagExists: z
        .enum(["reuse", "suffix", "error"])
        .default("reuse")
        .describe(
          "`reuse`: use the tag if it marks the current commit, else create one with the suffix `-2`, `-3`; `suffix`: always create a new tag; `error`: refuse the stage",
        ),
      push: z.boolean().optional().meta({
        description:
          "whether the tag is pushed: to the remote of the branch, else to `origin`, else to the only remote. It never asks for a password, never overwrites a tag, and stops after 20 s; a note then has the command",
        whenOmitted:
          "`true`, but `false` if the environment variable `CI` is set (not to an empty text, `0`, `false`, `no` or `off`)",
      }),
      required: z
        .boolean()
        .default(false)
        .describe("refuse a stage if no tag can be created: no git, no repository, no commit"),
    })
    .prefault({}),
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
