import type { AuditContext, Mutant } from "../../audit/rule.ts";
import { profileOf } from "../../audit/rules/tables/profile-open.ts";
import { ident, raw, type Some, type Sql, sql } from "../../postgres/sql.ts";
import { profileHelpers } from "../../steps/profile/policies.ts";

/** Tables of users, opened through what their policies call. */
export const profiles: readonly Mutant[] = [
  {
    name: "a table of users without row-level security",
    leak: "row-security-off",
    kind: "damage",
    damage: (fence) => [
      sql`ALTER TABLE ${ident(profileOf(fence).relation)} DISABLE ROW LEVEL SECURITY`,
    ],
  },
  {
    name: "everybody is a colleague",
    leak: "tautology",
    kind: "damage",
    damage: ({ tenancy }) => colleaguesAre(tenancy, sql`TRUE`),
  },
  {
    name: "nobody is a colleague, nor themselves",
    leak: "silent-fence",
    kind: "damage",
    damage: ({ tenancy }) => colleaguesAre(tenancy, sql`FALSE`),
  },
];

function colleaguesAre(tenancy: AuditContext["tenancy"], condition: Sql): Some<Sql> {
  const { colleagues } = profileHelpers(tenancy);
  const { users } = tenancy;
  return [
    sql`CREATE OR REPLACE FUNCTION ${ident(colleagues)}() RETURNS SETOF ${raw(users.idType)}
        LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path TO ''
        AS $$ BEGIN RETURN QUERY SELECT record.${ident(users.id)} FROM ${ident(users.relation)} AS record WHERE ${condition}; END $$`,
  ];
}
