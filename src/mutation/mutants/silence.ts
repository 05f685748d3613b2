import type { BrokenFence, Mutant } from "../../audit/rule.ts";
import { ident, literal, type RelationName, raw, type Sql, sql } from "../../postgres/sql.ts";
import { policyNames } from "../../steps/table/fence.ts";

type Helper = "callerOrganizations" | "callerAdministers" | "writingOrganization";

function signature({ tenancy }: BrokenFence, helper: Helper): Sql {
  return sql`${ident(tenancy.helpers[helper])}()`;
}

/** A mutant that leaks nothing, but refuses members their own rows. */
function silenced(
  name: string,
  damage: (on: BrokenFence) => readonly [Sql, ...Sql[]],
  identity?: BrokenFence["identity"],
): Mutant {
  const base = { name, leak: "silent-fence", kind: "damage", damage } as const;
  return identity === undefined ? base : { ...base, identity };
}

const body = (on: BrokenFence, helper: Helper, statements: string) =>
  sql`CREATE OR REPLACE FUNCTION ${signature(on, helper)}
        RETURNS ${raw(helper === "writingOrganization" ? "uuid" : "SETOF uuid")}
        LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path TO ''
        AS ${literal(`BEGIN ${statements} END`)}`;

const caller = ({ tenancy }: BrokenFence, answer: Sql) =>
  sql`CREATE OR REPLACE FUNCTION ${ident(tenancy.helpers.caller)}()
        RETURNS ${raw(tenancy.users.idType)} LANGUAGE sql STABLE RETURN ${answer}`;

const noUser = (on: BrokenFence) => sql`NULL::${raw(on.tenancy.users.idType)}`;

const uid = { schema: "auth", name: "uid" } satisfies RelationName;

const ofEach = (
  ["callerOrganizations", "callerAdministers", "writingOrganization"] as const
).flatMap((helper) => [
  silenced(`${helper} that requests may not execute`, (on) => [
    sql`REVOKE EXECUTE ON FUNCTION ${signature(on, helper)} FROM PUBLIC`,
  ]),
  silenced(`${helper} of an owner to whom row-level security applies`, (on) => [
    sql`CREATE ROLE mutant_ordinary`,
    sql`ALTER FUNCTION ${signature(on, helper)} OWNER TO mutant_ordinary`,
  ]),
  silenced(`${helper} with its caller's rights`, (on) => [
    sql`ALTER FUNCTION ${signature(on, helper)} SECURITY INVOKER`,
  ]),
  silenced(`${helper} that raises`, (on) => [body(on, helper, "RAISE EXCEPTION 'no';")]),
  silenced(`${helper} that answers nothing`, (on) => [
    body(on, helper, helper === "writingOrganization" ? "RETURN NULL;" : "RETURN;"),
  ]),
  silenced(`${helper} that is volatile`, (on) => [
    sql`ALTER FUNCTION ${signature(on, helper)} VOLATILE`,
  ]),
  silenced(`${helper} with its caller's search_path`, (on) => [
    sql`ALTER FUNCTION ${signature(on, helper)} RESET search_path`,
  ]),
]);

/** Fences that refuse members their own rows: a proof that takes every error for a refusal does not notice. */
export const silence: readonly Mutant[] = [
  ...ofEach,
  silenced("callerOrganizations of an owner that may not execute caller", (on) => [
    sql`CREATE ROLE mutant_bypassing BYPASSRLS`,
    sql`GRANT SELECT ON ${ident(on.tenancy.memberships)} TO mutant_bypassing`,
    sql`ALTER FUNCTION ${signature(on, "callerOrganizations")} OWNER TO mutant_bypassing`,
  ]),
  silenced("the caller, always NULL", (on) => [caller(on, noUser(on))]),
  silenced("the caller, with an error", (on) => [
    caller(on, sql`(1 / (random() * 0)::integer)::text::${raw(on.tenancy.users.idType)}`),
  ]),
  silenced(
    "auth.uid() that is always NULL",
    () => [
      sql`CREATE OR REPLACE FUNCTION ${ident(uid)}() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::uuid'`,
    ],
    "supabase",
  ),
  silenced("the tables' schema closed to requests", ({ table, role }) => [
    sql`REVOKE USAGE ON SCHEMA ${ident(table.schema)} FROM PUBLIC, ${ident(role)}`,
  ]),
  silenced("a statement_timeout that every request exceeds", ({ role }) => [
    sql`ALTER ROLE ${ident(role)} SET statement_timeout = '1ms'`,
  ]),
  silenced("members who may not write to their own rows", ({ table }) => [
    sql`ALTER POLICY ${ident(policyNames(table.name).update)} ON ${ident(table)} USING (FALSE)`,
  ]),
];
