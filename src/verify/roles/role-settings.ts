import { z } from "zod";
import { knownRoles, type ResolvedSettings } from "../../config/settings.ts";
import type { CheckResult } from "../../events/verification.ts";
import type { Queries } from "../../postgres/connection.ts";
import { ident, sql, textOf } from "../../postgres/sql.ts";
import { resultOf, violation } from "../proof/violation.ts";

/** Every request reads the memberships first, which takes longer than this. */
const shortestInMilliseconds = 10;

/**
 * Finds settings with which requests' sessions begin and with which every request fails. The proof's session
 * does not log in as requests do, so the settings are read from the catalog.
 */
export async function tryRoleSettings(
  queries: Queries,
  settings: ResolvedSettings,
): Promise<CheckResult> {
  const { starts: roles } = knownRoles(settings);
  const found = await queries.rows(
    sql`
      SELECT r.rolname::text AS role,
             CASE WHEN s.setdatabase <> 0 THEN quote_ident(current_database()) END AS database,
             split_part(setting, '=', 1) AS name,
             substr(setting, strpos(setting, '=') + 1) AS value
        FROM pg_db_role_setting s
       CROSS JOIN LATERAL unnest(s.setconfig) AS setting
        LEFT JOIN pg_roles r ON r.oid = s.setrole
       WHERE (s.setdatabase = 0
              OR s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()))
         AND (s.setrole = 0
              OR r.rolname = ANY (${[...roles]}::text[])
              -- Roles that log in and may become one of them.
              OR (r.rolcanlogin
                  AND EXISTS (SELECT
                                FROM pg_auth_members m
                                JOIN pg_roles asking ON asking.oid = m.roleid
                               WHERE m.member = r.oid
                                 AND asking.rolname = ANY (${[...roles]}::text[]))))
       ORDER BY 1, 2, 3
    `,
    z.object({
      role: z.string().nullable(),
      database: z.string().nullable(),
      name: z.string(),
      value: z.string(),
    }),
  );
  const violations = found
    .filter(({ name, value }) => stopsRequests(name, value))
    .map(({ role, database, name, value }) => {
      const whose = role === null ? "every role's" : `${role}'s`;
      const alter = [
        `ALTER ROLE ${role === null ? "ALL" : textOf(ident(role))}`,
        ...(database === null ? [] : [`IN DATABASE ${database}`]),
        `RESET ${name}`,
      ].join(" ");
      return violation(
        `${whose} setting ${name} = ${value} stops requests; to restore it: ${alter}`,
      );
    });
  return resultOf("no setting of a role stops its requests", violations);
}

function stopsRequests(name: string, value: string): boolean {
  if (name === "row_security") return ["off", "false", "no", "0"].includes(value.toLowerCase());
  if (!["statement_timeout", "transaction_timeout"].includes(name)) return false;
  const milliseconds = inMilliseconds(value);
  return milliseconds > 0 && milliseconds < shortestInMilliseconds;
}

const units: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function inMilliseconds(value: string): number {
  const [, number = "0", unit = "ms"] = /^\s*([\d.]+)\s*([a-z]+)?\s*$/i.exec(value) ?? [];
  return Number(number) * (units[unit.toLowerCase()] ?? 1);
}
