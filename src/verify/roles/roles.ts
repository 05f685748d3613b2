import { z } from "zod";
import { usualAnonymousIsUsed } from "../../catalog/anonymous-role.ts";
import { type ResolvedSettings, resolveRoles, type Settings } from "../../config/settings.ts";
import type { Queries } from "../../postgres/connection.ts";
import { sql } from "../../postgres/sql.ts";

/** The settings with their roles resolved; the catalog is read only where roles.anonymous is not set. */
export async function readRoles(queries: Queries, settings: Settings): Promise<ResolvedSettings> {
  if (settings.roles.anonymous !== undefined) return resolveRoles(settings, false);
  const [row] = await queries.rows(
    sql`SELECT ${usualAnonymousIsUsed} AS used`,
    z.object({ used: z.boolean() }),
  );
  return resolveRoles(settings, row?.used === true);
}
