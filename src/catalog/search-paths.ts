import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { ident, sql } from "../postgres/sql.ts";

/** A search_path that ALTER ROLE or ALTER DATABASE has set. */
export type SearchPath = {
  /** Null for every role. */
  readonly role: string | null;
  /** Those of its schemas that are there, in their order. */
  readonly schemas: readonly string[];
};

const settingSchema = z.object({ role: z.string().nullable(), path: z.string() });

/**
 * Reads the search paths that sessions of this database begin with, the most specific first; must be
 * in a transaction, whose search_path is another one afterwards.
 */
export async function readSearchPaths(queries: Queries): Promise<SearchPath[]> {
  const settings = await queries.rows(
    sql`
      SELECT r.rolname::text AS role,
             substr(setting, length('search_path=') + 1) AS path
        FROM pg_db_role_setting s
        LEFT JOIN pg_roles r ON r.oid = s.setrole
       CROSS JOIN unnest(s.setconfig) AS setting
       WHERE setting LIKE 'search\\_path=%'
         AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
       ORDER BY s.setrole = 0, s.setdatabase = 0, 1
    `,
    settingSchema,
  );
  const paths: SearchPath[] = [];
  for (const { role, path } of settings) {
    // The server takes $user for whoever is connected, and that is not whose path it is.
    const own =
      role === null
        ? path
        : path.replaceAll(/(?<=^|,\s*)"?\$user"?(?=\s*(,|$))/g, () => ident(role).parts.join(""));
    await queries.execute(sql`SELECT set_config('search_path', ${own}, TRUE)`);
    const [found] = await queries.rows(
      sql`SELECT current_schemas(FALSE)::text[] AS schemas`,
      z.object({ schemas: z.array(z.string()) }),
    );
    if (found !== undefined) paths.push({ role, ...found });
  }
  return paths;
}
