import { z } from "zod";
import { readRolesBeside } from "../../catalog/request-roles.ts";
import { today } from "../../config/accepted.ts";
import {
  acceptedRoles,
  knownRoles,
  type ResolvedSettings,
  type Settings,
  supabaseLogin,
} from "../../config/settings.ts";
import type { CheckResult } from "../../events/verification.ts";
import type { Queries } from "../../postgres/connection.ts";
import { sql } from "../../postgres/sql.ts";
import { readRoles } from "../roles/roles.ts";
import { resultOf, violation } from "./violation.ts";

const factsSchema = z.object({
  superuser: z.boolean(),
  exists: z.boolean(),
  /** Roles of requests that it may not SET ROLE to. */
  refused: z.array(z.string()),
});

/**
 * The settings with which requests log in as the application does, and the claim that they can. Policies may
 * use session_user, and SET ROLE depends on the login. A second connection would not see the proof's rows,
 * which are never committed: a superuser uses SET SESSION AUTHORIZATION instead.
 */
export async function withLogin(
  queries: Queries,
  configured: Settings,
): Promise<{ readonly settings: ResolvedSettings; readonly results: readonly CheckResult[] }> {
  const settings = await readRoles(queries, configured);
  const { roles, identity } = settings;
  const named = roles.login ?? (identity.kind === "supabase" ? supabaseLogin : undefined);
  const beside = await tryRolesBeside(queries, settings);
  const without = (results: readonly CheckResult[]) => ({
    settings: { ...settings, roles: { ...roles, login: undefined } },
    results: [...results, beside],
  });
  if (named === undefined) return without([]);
  // A role that the configuration does not name may belong to another login.
  const others = [roles.signedIn, configured.roles.anonymous].filter(
    (role) => typeof role === "string",
  );
  const [facts] = await queries.rows(
    sql`
      SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) AS superuser,
             EXISTS (SELECT FROM pg_roles WHERE rolname = ${named}) AS exists,
             ARRAY(SELECT r.rolname::text
                     FROM pg_roles r
                     JOIN pg_roles l ON l.rolname = ${named}
                    WHERE r.rolname = ANY (${others}::text[])
                      AND NOT pg_has_role(l.oid, r.oid, 'MEMBER')) AS refused
    `,
    factsSchema,
  );
  if (facts === undefined) throw new Error("the server returned no roles");
  // The configuration does not name it.
  if (!facts.exists && roles.login === undefined) return without([]);
  const claim = `requests log in as ${named} and become ${others.join(" and ")}`;
  if (!facts.exists) return without([resultOf(claim, [violation(`there is no role ${named}`)])]);
  if (facts.refused.length > 0) {
    const refused = facts.refused.map((role) => violation(`${named} may not become ${role}`));
    return without([resultOf(claim, refused)]);
  }
  if (!facts.superuser) {
    const unproven = [
      `${named}: the login itself was not tried: only a superuser may SET SESSION AUTHORIZATION; --on-clone does`,
    ];
    return without([resultOf(claim, [], { unproven })]);
  }
  return {
    settings: { ...settings, roles: { ...roles, login: named } },
    results: [resultOf(claim, []), beside],
  };
}

/** The roles of requests are computed: one that nobody named is not tried, and so has to be accepted by name. */
async function tryRolesBeside(queries: Queries, settings: ResolvedSettings): Promise<CheckResult> {
  const { starts, trusted } = knownRoles(settings);
  const known = [...trusted, ...acceptedRoles(settings, today())];
  const found = await readRolesBeside(queries, { starts, trusted: known }, [...starts, ...known]);
  return resultOf(
    "requests can become no role that the configuration does not name",
    found.map(({ role, by, revoke }) =>
      violation(
        by === null
          ? `${role} is used by this database: name it in roles.anonymous`
          : `${by} can become ${role}: ${revoke ?? "name it in the configuration"}`,
      ),
    ),
  );
}
