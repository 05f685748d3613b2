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
    const roles = Object.values(settings.roles).filter((role) => role !== undefined);
    const refused = await queries.rows(
      sql`
        SELECT r.rolname::text AS role
          FROM pg_roles r
         WHERE r.rolname = ANY (${roles}::text[])
           AND NOT pg_has_role(r.oid, ${raw(privilege)})
         ORDER BY r.rolname
      `,
      z.object({ role: z.string() }),
    );
    return refused.map(({ role }) => ({
      severity: "blocking",
      what: { object: role, fact: `${server.user} may not SET ROLE to it` },
      mend: `GRANT ${quoted(role)} TO ${quoted(server.user)}${server.version >= 160_000 ? " WITH SET TRUE" : ""}`,
    }));
  },
};
