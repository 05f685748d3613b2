import { findRelation } from "../../src/catalog/snapshot.ts";
import { type NamedWithReason, requestRoles } from "../../src/config/settings.ts";
import { ident, type Sql, sql, textOf } from "../../src/postgres/sql.ts";
import { exists, none, policyWhere, relationWhere } from "../../src/steps/model/checks.ts";
import { nameFor } from "../../src/steps/model/naming.ts";
import type { RunName, StageContext } from "../../src/steps/model/stage.ts";
import type { TransactionStep } from "../../src/steps/model/step.ts";
import { bypassingGrants, restoreGrants, revokeGrants } from "../../src/steps/privileges/grants.ts";

/** Reference data: every tenant may read it, and none may write it. */
export function shareTable(
  { settings, snapshot }: StageContext,
  { relation, reason }: NamedWithReason,
  stage: RunName = "day3",
): TransactionStep {
  const existing = findRelation(snapshot, relation);
  const wasOn = existing?.rowSecurity === true;
  const on = ident(relation);
  const roles = requestRoles(settings);
  // No policy restricts TRUNCATE, and a trigger of one tenant would see what the others write.
  const bypassing = existing === undefined ? [] : bypassingGrants(existing, roles);
  const view = nameFor("Everybody views shared ", relation.name, "");
  const guards = (["INSERT", "UPDATE", "DELETE"] as const).map((command) => ({
    command,
    name: nameFor("Nobody ", relation.name, ` (${command})`),
  }));
  const drop = (name: string) => sql`DROP POLICY IF EXISTS ${ident(name)} ON ${on}`;
  return {
    id: `${stage}/${relation.schema === settings.schema ? relation.name : `${relation.schema}.${relation.name}`}/share`,
    title: `share for reading: ${reason}`,
    table: relation,
    mode: "transaction",
    lock: { level: "ACCESS EXCLUSIVE", on: [relation] },
    up: [
      sql`CREATE POLICY ${ident(view)}
  ON ${on}
  FOR SELECT
  USING (TRUE)`,
      ...guards.map(({ command, name }) => denyAll(name, command, on)),
      ...(wasOn ? [] : [sql`ALTER TABLE ${on}\n  ENABLE ROW LEVEL SECURITY`]),
      ...revokeGrants(on, bypassing),
    ],
    down: {
      kind: "exact",
      sql: [
        drop(view),
        ...guards.map(({ name }) => drop(name)),
        ...(wasOn ? [] : [sql`ALTER TABLE IF EXISTS ${on}\n  DISABLE ROW LEVEL SECURITY`]),
        ...restoreGrants(on, bypassing),
      ],
    },
    verify: [
      exists(
        `row-level security of ${relation.name} is on`,
        relationWhere(relation, sql`c.relrowsecurity`),
      ),
      none(
        `no tenant was granted TRUNCATE or TRIGGER on ${relation.name}`,
        sql`
          SELECT format('%s has %s on %s', asked.name, acl.privilege_type, ${relation.name}::text) AS violation
            FROM pg_class c
           CROSS JOIN aclexplode(c.relacl) AS acl
            JOIN unnest(${["public", ...roles]}::text[]) AS asked (name)
              ON asked.name = CASE acl.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(acl.grantee)::text END
           WHERE c.oid = to_regclass(${textOf(on)})
             AND acl.grantor = c.relowner
             AND acl.grantee <> c.relowner
             AND acl.privilege_type IN ('TRUNCATE', 'TRIGGER')
        `,
      ),
      ...guards.map(({ name, command }) =>
        exists(
          `no tenant may ${command} ${relation.name}`,
          policyWhere(relation, name, sql`NOT p.polpermissive`),
        ),
      ),
    ],
  };
}

function denyAll(name: string, command: "INSERT" | "UPDATE" | "DELETE", on: Sql): Sql {
  const condition = command === "INSERT" ? sql`WITH CHECK (FALSE)` : sql`USING (FALSE)`;
  return sql`CREATE POLICY ${ident(name)}
  ON ${on}
  AS RESTRICTIVE
  FOR ${command === "INSERT" ? sql`INSERT` : command === "UPDATE" ? sql`UPDATE` : sql`DELETE`}
  ${condition}`;
}
