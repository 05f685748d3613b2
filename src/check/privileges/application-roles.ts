import { z } from "zod";
import { readReachedRoles } from "../../catalog/request-roles.ts";
import { acceptedRoles, knownRoles, resolveRoles } from "../../config/settings.ts";
import { sql } from "../../postgres/sql.ts";
import { type Found, namesAhead, type PreflightCheck, quoted } from "../check.ts";

export const applicationRoles: PreflightCheck = {
  id: "application-roles",
  title: "roles of the application that bypass row-level security",
  why: "its requests could read and write the rows of every tenant",
  stops: [],
  async find(context) {
    const { queries, settings, snapshot } = context;
    const { starts, trusted } = knownRoles(resolveRoles(settings, snapshot.server.usesAnon));
    const reached = await readReachedRoles(queries, {
      starts,
      trusted: [...trusted, ...acceptedRoles(settings)],
    });
    const roles = reached.filter((one) => one.becomes && !one.trusted).map(({ role }) => role);
    const found = await queries.rows(
      sql`
        SELECT r.rolname::text AS role,
               r.rolsuper AS superuser,
               r.rolbypassrls AS bypasses,
               ARRAY(SELECT format('%I.%I', n.nspname, c.relname)
                       FROM pg_class c
                       JOIN pg_namespace n ON n.oid = c.relnamespace
                      WHERE c.oid = ANY (${namesAhead(context)}::text[]::regclass[])
                        AND pg_has_role(r.oid, c.relowner, 'USAGE')
                      ORDER BY c.relname) AS owns
          FROM pg_roles r
         WHERE r.rolname = ANY (${[...roles]}::text[])
         ORDER BY r.rolname
      `,
      z.object({
        role: z.string(),
        superuser: z.boolean(),
        bypasses: z.boolean(),
        owns: z.array(z.string()),
      }),
    );
    const { user } = snapshot.server;
    return found.flatMap(({ role, superuser, bypasses, owns }): Found[] => {
      const finding = (fact: string, fix: string): Found[] => [
        { severity: "blocking", what: { object: role, fact }, fix },
      ];
      if (superuser) return finding("is a superuser", `ALTER ROLE ${quoted(role)} NOSUPERUSER`);
      if (bypasses) return finding("has BYPASSRLS", `ALTER ROLE ${quoted(role)} NOBYPASSRLS`);
      if (settings.forceRowSecurity) return [];
      return owns.flatMap((table) =>
        finding(
          `is the owner of ${table}, or a member of it`,
          `ALTER TABLE ${table} OWNER TO ${quoted(user)}, or set forceRowSecurity in the configuration`,
        ),
      );
    });
  },
};
