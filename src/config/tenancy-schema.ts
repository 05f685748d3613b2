import { z } from "zod";
import { nameSchema, relationText } from "./relation-name.ts";

/** SQL of the configuration. */
export const sqlText = z.string().trim().min(1, "SQL cannot be empty");

const tableOptions = {
  access: z
    .enum(["members", "admins"])
    .default("members")
    .describe(
      "`members`: members of the organization read and write. `admins`: members read, and only owners and admins write",
    ),
  unattributed: z
    .enum(["error", "default"])
    .default("error")
    .describe(
      "rows for which the source gives no organization: `error` fails the stage, names them and rolls it back; `default` gives them to the default organization",
    ),
};

const tableSchema = z
  .union([
    z.literal("default"),
    z.strictObject({
      source: z
        .literal("default")
        .describe('`"default"`: every row belongs to the default organization'),
      access: tableOptions.access,
    }),
    z.strictObject({
      via: nameSchema.describe(
        "a column with a foreign key: a row belongs to the organization of the row that it references",
      ),
      ...tableOptions,
    }),
    z.strictObject({
      user: nameSchema.describe(
        "a column with a user's id: a row belongs to the organization of that user, who must be a member of exactly one",
      ),
      ...tableOptions,
    }),
    z.strictObject({
      sql: sqlText.describe(
        "an SQL expression for the organization's uuid; `record` is the row of the table",
      ),
      ...tableOptions,
    }),
  ])
  .meta({
    description: 'the source of the rows\' organization: `"default"`, or an object',
    see: "[tables](#tables)",
  });

/** A table with a row for each user. */
export const profileSchema = z.strictObject({
  user: nameSchema.describe("the column with the user's id: the row is of that user"),
});

/** An organization that the configuration names. */
export const organizationSchema = z.strictObject({
  name: z.string().trim().min(1).describe("the name of the organization"),
  slug: z
    .string()
    .regex(
      /^[a-z0-9]+(-[a-z0-9]+)*$/,
      "must be lower-case letters, digits and single hyphens, for example alpha-corp",
    )
    .describe(
      "its short name: lower-case letters, digits and single hyphens. The organization's id is derived from it",
    ),
});

/** `day1` and `day2`: their tenant tables. */
export const stageSchema = (day: string) =>
  z.strictObject({
    tables: z.record(relationText, tableSchema).describe(`the tenant tables of ${day}, by name`),
  });

/** `identity`: how a request identifies its user. */
export const identitySchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z
      .literal("supabase")
      .describe(
        "how a request identifies its user: `supabase` (`auth.uid()`), `jwt-claim` or `setting`",
      ),
  }),
  z.strictObject({
    kind: z.literal("jwt-claim"),
    claim: z
      .string()
      .min(1)
      .default("sub")
      .describe("for `jwt-claim`: the claim of `request.jwt.claims` that is the user's id"),
  }),
  z.strictObject({
    kind: z.literal("setting"),
    setting: z
      .string()
      // PostgreSQL accepts a custom setting only with a dot in its name.
      .regex(
        /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)+$/i,
        "must be a custom setting with a dot in its name, for example app.user_id",
      )
      .describe(
        "for `setting`: the custom setting that the application sets to the user's id in each transaction: `app.user_id`",
      ),
  }),
]);
