import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { ident, sql, textOf } from "../postgres/sql.ts";

/** A search_path that ALTER ROLE or ALTER DATABASE has set. */
export type SearchPath = {
  /** Null for every role. */
  readonly role: string | null;
  /** Those of its schemas that exist, in their order. */
  readonly schemas: readonly string[];
};

const settingSchema = z.object({ role: z.string().nullable(), path: z.string() });

/**
 * Reads the search paths that sessions of this database start with, the most specific first. It must
 * run in a transaction, and changes that transaction's search_path.
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
    // The server resolves $user to the current user, which is not the role of this path.
    const own =
      role === null
        ? path
        : path.replaceAll(/(?<=^|,\s*)"?\$user"?(?=\s*(,|$))/g, () => textOf(ident(role)));
    await queries.execute(sql`SELECT set_config('search_path', ${own}, TRUE)`);
    const [found] = await queries.rows(
      sql`SELECT current_schemas(FALSE)::text[] AS schemas`,
      z.object({ schemas: z.array(z.string()) }),
    );
    if (found !== undefined) paths.push({ role, ...found });
  }
  return paths;
}
