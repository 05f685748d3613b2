import { z } from "zod";

export const reason = z.string().trim().min(3, "must be a reason of at least 3 characters");

/** What Day 3 hardens: names, or `["all"]`. */
const hardened = (description: string) =>
  z.array(z.string().min(1)).default([]).meta({ description, see: "[hardening](#hardening)" });

const functionName = z
  .string()
  .min(1)
  .describe("the function with its argument types, as the audit prints it: `totals(uuid)`");

/** What is decided about a function that runs as its owner. */
export const functionDecisionSchema = z.discriminatedUnion("do", [
  z.strictObject({
    function: functionName,
    do: z
      .enum(["revoke", "guard"])
      .describe(
        "`revoke`: requests lose EXECUTE; `guard`: a check of the organization before the function; `keep`: it stays as it is, and the proof still calls it",
      ),
    reason: reason.optional().describe("why"),
  }),
  z.strictObject({
    function: functionName,
    do: z.literal("keep"),
    reason,
    until: z.iso.date().describe("for `keep`, the last day on which it is accepted"),
  }),
]);

/** What Day 3 hardens, by kind. */
export const hardeningSchema = z
  .strictObject({
    foreignKeys: hardened(
      'foreign keys between tenant tables, as `table.constraint`, or `["all"]`: Day 3 adds the organization to them, under the same names',
    ),
    uniqueConstraints: hardened(
      'unique constraints and unique indexes of tenant tables, as `table.constraint`, or `["all"]`: they become unique in each organization',
    ),
    policies: hardened(
      'policies that allow every row, as `table.policy`, or `["all"]`: they are replaced by the plan\'s policies',
    ),
    views: hardened(
      'views on tenant tables, or `["all"]`: they get `security_invoker = on` (PostgreSQL 15 and later)',
    ),
    materializedViews: hardened(
      'materialized views on tenant tables, or `["all"]`: the privileges of requests on them are revoked',
    ),
    functions: hardened(
      '`SECURITY DEFINER` functions, as `name(integer, text)`, or `["all"]`: they get a fixed `search_path`',
    ),
    definerFunctions: hardened(
      'functions that run as their owner and reach rows of others, as `name(integer, text)`, or `["all"]`: Day 3 revokes or guards them, as `tenantry audit` proposes',
    ),
    sequences: hardened(
      'sequences of tenant tables, or `["all"]`: requests keep `USAGE`, and `UPDATE` and `SELECT` are revoked',
    ),
    defaultPrivileges: hardened(
      'default privileges, as `role` or `role in schema`, or `["all"]`: new tables are not granted to requests by default',
    ),
  })
  .prefault({});

/** What is open and accepted, by name and for a time. */
export const auditSchema = z
  .strictObject({
    accepted: z
      .array(
        z.strictObject({
          rule: z.string().min(1).describe("the rule's id"),
          object: z.string().min(1).describe("the object, as it is printed"),
          reason: reason.describe("why the finding is accepted"),
          until: z.iso.date().describe("the last day on which it is accepted: `2027-12-31`"),
        }),
      )
      .default([])
      .describe(
        "findings of `tenantry audit` that are accepted; rows that cross (`crossing-rows`) and what could not be tried (`not-proven`), too",
      ),
  })
  .prefault({});
