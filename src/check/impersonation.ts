import { z } from "zod";
import { raw, sql } from "../postgres/sql.ts";
import { type Check, quoted } from "./check.ts";

export const impersonation: Check = {
  id: "impersonation",
  title: "SET ROLE to the application's roles",
  why: "the isolation proof reads and writes as they do, and a proof that cannot be tried fails its stage",
  stops: ["run"],
  async find({ queries, settings, snapshot: { server } }) {
    // Since 16, a membership may come without the right to SET ROLE.
    const privilege = server.version >= 160_000 ? "'SET'" : "'MEMBER'";
    const { signedIn, anonymous, login } = settings.roles;
    const roles = [signedIn, anonymous].filter((role) => role !== undefined);
    const who = [server.user, login].filter((role) => role !== undefined);
    const refused = await queries.rows(
      sql`
        SELECT r.rolname::text AS role,
               w.rolname::text AS "by"
          FROM pg_roles r
          JOIN pg_roles w ON w.rolname = ANY (${who}::text[])
         WHERE r.rolname = ANY (${roles}::text[])
           AND NOT pg_has_role(w.oid, r.oid, ${raw(privilege)})
         ORDER BY 1, 2
      `,
      z.object({ role: z.string(), by: z.string() }),
    );
    return refused.map(({ role, by }) => ({
      severity: "blocking",
      what: { object: role, fact: `${by} may not SET ROLE to it` },
      mend: `GRANT ${quoted(role)} TO ${quoted(by)}${server.version >= 160_000 ? " WITH SET TRUE" : ""}`,
    }));
  },
};
