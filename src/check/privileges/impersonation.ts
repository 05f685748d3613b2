import { z } from "zod";
import { requestRoles, resolveRoles } from "../../config/settings.ts";
import { raw, sql } from "../../postgres/sql.ts";
import { type PreflightCheck, quoted } from "../check.ts";

export const impersonation: PreflightCheck = {
  id: "impersonation",
  title: "SET ROLE to the roles of the application",
  why: "the isolation proof reads and writes as these roles; if it cannot, the stage fails",
  stops: ["run"],
  async find({ queries, settings, snapshot: { server } }) {
    // Since 16, a membership can exclude SET ROLE.
    const privilege = server.version >= 160_000 ? "'SET'" : "'MEMBER'";
    const { signedIn, anonymous, login } = settings.roles;
    const roles = requestRoles(resolveRoles(settings, server.usesAnon));
    // A role that the configuration does not name may belong to another login role.
    const ofLogin = [signedIn, anonymous].filter((role) => typeof role === "string");
    const refused = await queries.rows(
      sql`
        SELECT r.rolname::text AS role,
               w.rolname::text AS "by"
          FROM pg_roles r
          JOIN pg_roles w ON (w.rolname = ${server.user} AND r.rolname = ANY (${[...roles]}::text[]))
                          OR (w.rolname = ${login ?? null}::text AND r.rolname = ANY (${ofLogin}::text[]))
         WHERE NOT pg_has_role(w.oid, r.oid, ${raw(privilege)})
         ORDER BY 1, 2
      `,
      z.object({ role: z.string(), by: z.string() }),
    );
    return refused.map(({ role, by }) => ({
      severity: "blocking",
      what: { object: role, fact: `${by} is not allowed to SET ROLE to it` },
      fix: `GRANT ${quoted(role)} TO ${quoted(by)}${server.version >= 160_000 ? " WITH SET TRUE" : ""}`,
    }));
  },
};
