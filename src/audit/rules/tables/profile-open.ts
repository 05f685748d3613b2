import { ident, type RelationName, type Sql, sql, textOf } from "../../../postgres/sql.ts";
import {
  createProfilePolicy,
  isProfileGuard,
  profileGuards,
  profileHelpers,
} from "../../../steps/profile/policies.ts";
import { reachable, relationsNamed } from "../../reach.ts";
import type { AuditContext, BrokenFence, Rule } from "../../rule.ts";

export const profileOpen: Rule = {
  id: "profile-open",
  severity: "critical",
  title: "A table of users lacks one of its restrictive policies",
  why: "Without them another policy, old or new, shows the users of every tenant, or lets a member change the row of a colleague.",
  source: "https://www.postgresql.org/docs/current/sql-createpolicy.html",
  findings: (context) => sql`
    SELECT format('%I.%I', t.schema, t.name) AS object,
           format('has no restrictive policy %I that asks the helper', g.policy) AS fact,
           CASE WHEN g.fix IS NOT NULL AND to_regprocedure(${`${textOf(ident(profileHelpers(context.tenancy).colleagues))}()`}) IS NOT NULL
                THEN format('BEGIN; DROP POLICY IF EXISTS %I ON %I.%I; %s; COMMIT;', g.policy, t.schema, t.name, g.fix)
                ELSE format('-- tenantry fence %I.%I', t.schema, t.name)
           END AS fix
      FROM ${relationsNamed(context.profiles.map(({ relation }) => relation))} AS t
      JOIN ${guards(context)} ON g.schema = t.schema AND g.name = t.name
     WHERE t.oid IN (SELECT oid FROM ${reachable(context)} AS r)
       AND NOT EXISTS (SELECT
                         FROM pg_policy p
                        WHERE p.polrelid = t.oid
                          AND p.polname = g.policy
                          AND ${anyGuard(context)})
  `,
  mutants: [
    {
      name: "the guard of a table of users dropped, and an old policy that shows everybody",
      leak: "old-policy",
      kind: "damage",
      damage: (fence) => {
        const { relation } = profileOf(fence);
        return [
          dropGuard(fence, 0),
          sql`CREATE POLICY everybody ON ${ident(relation)} FOR SELECT USING (TRUE)`,
        ];
      },
    },
    {
      name: "a table of users on which members may change their colleagues",
      leak: "blind-write",
      kind: "damage",
      damage: (fence) => {
        const { relation, user } = profileOf(fence);
        const colleagues = profileHelpers(fence.tenancy).colleagues;
        const lax = {
          ...({ name: "lax", command: "w", permissive: true } as const),
          using: colleagues,
          check: colleagues,
        };
        return [dropGuard(fence, 1), createProfilePolicy(relation, user, lax)];
      },
    },
    {
      name: "a table of users on which members may delete their colleagues",
      leak: "blind-write",
      kind: "damage",
      damage: (fence) => {
        const { relation, user } = profileOf(fence);
        const lax = {
          ...({ name: "lax", command: "d", permissive: true } as const),
          using: profileHelpers(fence.tenancy).colleagues,
          check: undefined,
        };
        return [dropGuard(fence, 2), createProfilePolicy(relation, user, lax)];
      },
    },
  ],
};

/** The table of users that a mutant opens. */
export function profileOf({ profiles: [profile] }: BrokenFence): AuditContext["profiles"][number] {
  if (profile === undefined) throw new Error("the broken fence has no table of users");
  return profile;
}

function dropGuard(fence: BrokenFence, which: 0 | 1 | 2): Sql {
  const { relation } = profileOf(fence);
  const name = profileGuards(relation, fence.tenancy)[which]?.name ?? "";
  return sql`DROP POLICY ${ident(name)} ON ${ident(relation)}`;
}

/** The guards of each table of users, as `g`. */
function guards({ profiles, tenancy }: AuditContext): Sql {
  const all = profiles.flatMap(({ relation, user }) =>
    profileGuards(relation, tenancy).map((policy) => ({ relation, user, policy })),
  );
  const fixes = all.map(({ relation, user, policy }) =>
    textOf(createProfilePolicy(relation, user, policy)).replaceAll(/\s+/g, " "),
  );
  const names = (of: (relation: RelationName) => string) => all.map(({ relation }) => of(relation));
  return sql`unnest(${names(({ schema }) => schema)}::text[],
                    ${names(({ name }) => name)}::text[],
                    ${all.map(({ policy }) => policy.name)}::text[],
                    ${fixes}::text[]) AS g (schema, name, policy, fix)`;
}

/** Whether a policy `p` is one of the three guards: their names are told apart by `g`. */
function anyGuard({ tenancy }: AuditContext): Sql {
  const [all, update, remove] = profileGuards({ schema: "", name: "" }, tenancy).map(
    isProfileGuard,
  );
  return sql`CASE p.polcmd WHEN '*' THEN ${all ?? sql`FALSE`}
                           WHEN 'w' THEN ${update ?? sql`FALSE`}
                           WHEN 'd' THEN ${remove ?? sql`FALSE`}
                           ELSE FALSE
              END`;
}
