import { z } from "zod";
import { nameSchema, relationText } from "./relation-name.ts";

const globs = z.array(z.string().min(1));

/** One part of the application's code. */
const codePart = (include: string[]) => ({
  include: globs
    .min(1)
    .default(include)
    .describe("the files of this part, as globs relative to `code.folder`"),
  exclude: globs
    .default(["**/*.{test,spec}.*", "**/__tests__/**", "**/*.d.ts"])
    .describe("files that are left out, as globs; `node_modules` is always left out"),
  organization: z
    .string()
    .regex(
      /^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$/,
      "must be a name or a path, for example organizationId or session.organizationId",
    )
    .default("organizationId")
    .describe("the expression for the organization of a query, used where it is in scope"),
  hook: z
    .strictObject({
      name: z
        .string()
        .regex(/^use[A-Z]\w*$/, "must be the name of a React hook, for example useOrganization")
        .describe("the name of a React hook that returns an object with the organization"),
      from: z.string().min(1).describe("the module that exports the hook"),
    })
    .optional()
    .describe("a React hook for components and hooks in which the organization is not in scope"),
});

const appSchema = z
  .strictObject(codePart(["src/**/*.{ts,tsx,js,jsx}", "public/*sw*.js", "vite.config.*"]))
  .refine(({ hook, organization }) => hook === undefined || !organization.includes("."), {
    path: ["organization"],
    message: "must be a name without a dot, because the hook returns it",
  })
  .prefault({});

const functionsSchema = z
  .strictObject({
    ...codePart(["supabase/functions/**/*.ts"]),
    caller: z
      .strictObject({
        name: z
          .string()
          .regex(
            /^[A-Za-z_$][\w$]*$/,
            "must be the name of a function, for example callerOrganization",
          )
          .default("callerOrganization")
          .describe(
            "the name of an asynchronous function that takes a request and returns an object with the organization",
          ),
        from: z
          .string()
          .endsWith(".ts", "must be a file, for example supabase/functions/_shared/organization.ts")
          .describe(
            "the file that exports the function, relative to `code.folder`: `supabase/functions/_shared/organization.ts`",
          ),
      })
      .optional()
      .meta({
        description: "a function that handlers call when they verify their user",
        see: "[what is rewritten](code.md#what-is-rewritten)",
      }),
  })
  .refine(
    ({ hook, caller, organization }) =>
      (hook === undefined && caller === undefined) || !organization.includes("."),
    {
      path: ["organization"],
      message: "must be a name without a dot, because the hook or the caller returns it",
    },
  )
  .prefault({});

/** `code`: the application's code, for `tenantry code`. */
export const codeSchema = z
  .strictObject({
    folder: z.string().min(1).default(".").describe("the folder of the application's code"),
    tsconfig: z.string().min(1).optional().meta({
      description: "the compiler's settings: paths and strictness",
      whenOmitted: "`tsconfig.app.json`, else `tsconfig.json`",
    }),
    app: appSchema,
    functions: functionsSchema,
    filters: z
      .enum(["explicit", "service-role-only"])
      .default("explicit")
      .describe(
        "`explicit`: every query names the organization. `service-role-only`: what a client with the user's key reads, updates and deletes is left to row-level security",
      ),
    clients: z
      .strictObject({
        serviceRole: z
          .array(z.string().min(1))
          .default(["SERVICE_ROLE_KEY", "SUPABASE_SECRET_KEY", "SUPABASE_SECRET_KEYS"])
          .describe(
            "endings of names (environment variables, imports, functions) that identify a client with the service role's key",
          ),
        userKey: z
          .array(z.string().min(1))
          .default(["SUPABASE_ANON_KEY", "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_KEY"])
          .describe(
            "the same for a client with the user's key. `SUPABASE_KEY` is ambiguous, so it counts only as the whole name, or after a framework's prefix for public variables (`VITE_`, `NEXT_PUBLIC_`)",
          ),
      })
      .prefault({}),
    lookups: z
      .record(relationText, z.array(nameSchema).min(1))
      .default({})
      .describe(
        "by table, columns by which a `SELECT` may look up a row before the organization is known",
      ),
    uniquePerOrganization: z
      .record(relationText, z.array(z.string().min(1)).min(1))
      .default({})
      .describe(
        'by table, the columns of unique constraints that are unique in each organization now: `"phone"`, `"user_id, name"`',
      ),
    sharedKeys: z
      .array(z.string().min(1))
      .default([])
      .describe("keys of caches that contain nothing of an organization: `theme`"),
    gates: z.record(z.string().min(1), z.string().trim().min(1)).default({}).meta({
      description:
        'by name, commands of the application that must succeed before and after its files are changed: `{ typecheck: "npx tsc --noEmit", build: "npm run build" }`. With at least one, Day 3 rewrites the code',
      see: "[Day 3](code.md#day-3)",
    }),
  })
  .prefault({});
