import { z } from "zod";
import { ident, type RelationName, raw, type Sql, sql } from "../../postgres/sql.ts";
import { attempt } from "../proof/attempt.ts";
import type { Violation } from "../proof/violation.ts";
import type { Tried } from "../tables/try-writes.ts";
import { type AttackSetup, attackersRequest, joinOnly } from "./attack-setup.ts";

type Role = "none" | "member" | "owner";

/** A user cannot become a member or an owner, and a member cannot change an organization. */
export async function tryMemberships(setup: AttackSetup): Promise<Tried> {
  const { tenancy, user, foreign } = setup;
  const memberships = ident(tenancy.memberships);
  const organizations = ident(tenancy.organizations);
  const [ofMembers, ofThemselves] = [tenancy.memberships, tenancy.organizations];
  const self = sql`${user}::${raw(tenancy.users.idType)}`;
  const joining = sql`INSERT INTO ${memberships} (organization_id, user_id, role) VALUES (${foreign}, ${self}, 'owner')`;
  const tier = sql`UPDATE ${organizations} SET subscription_tier = 'taken'`;
  const writes: readonly (readonly [Role, string, RelationName, Sql])[] = [
    ["none", "a user of no organization joins one", ofMembers, joining],
    ["member", "a member joins another organization", ofMembers, joining],
    ["member", "a member becomes owner", ofMembers, sql`UPDATE ${memberships} SET role = 'owner'`],
    [
      "member",
      "a member becomes owner, by their own row",
      ofMembers,
      sql`UPDATE ${memberships} SET role = 'owner' WHERE user_id = ${self}`,
    ],
    [
      "member",
      "a member moves to another organization",
      ofMembers,
      sql`UPDATE ${memberships} SET organization_id = ${foreign} WHERE user_id = ${self}`,
    ],
    [
      "member",
      "a member renames an organization",
      ofThemselves,
      sql`UPDATE ${organizations} SET name = 'taken'`,
    ],
    ["member", "a member writes an organization's tier", ofThemselves, tier],
    ["owner", "an owner writes their organization's tier", ofThemselves, tier],
    ["owner", "an owner joins another organization", ofMembers, joining],
  ];
  const violations: Violation[] = [];
  for (const [role, what, object, statement] of writes) {
    if (!(await changes(setup, role, statement))) continue;
    const who = role === "none" ? "a user of no organization" : `a user who is ${role}`;
    const answer = "the proof's memberships or organizations changed";
    const request = attackersRequest(setup);
    violations.push({ what, shown: { who, request, object, statement, answer } });
  }
  return { violations, remarks: [] };
}

async function changes(setup: AttackSetup, role: Role, statement: Sql): Promise<boolean> {
  const { queries } = setup;
  await queries.execute(sql`SAVEPOINT membership`);
  if (role === "none") await joinOnly(setup, []);
  else await joinOnly(setup, ["own"], role);
  const before = await state(setup);
  await attempt(queries, statement, attackersRequest(setup));
  const after = await state(setup);
  await queries.execute(sql`ROLLBACK TO SAVEPOINT membership`);
  return before !== after;
}

async function state({ queries, tenancy, own, foreign }: AttackSetup): Promise<string> {
  const rows = await queries.rows(
    sql`
      SELECT membership::text AS row
        FROM ${ident(tenancy.memberships)} AS membership
       WHERE organization_id IN (${own}, ${foreign})
       UNION ALL
      SELECT organization::text
        FROM ${ident(tenancy.organizations)} AS organization
       WHERE id IN (${own}, ${foreign})
       ORDER BY 1
    `,
    z.object({ row: z.string() }),
  );
  return JSON.stringify(rows);
}
