import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";

/** Which database this is: its name, and the system identifier of its cluster. */
export type DatabaseIdentity = { readonly name: string; readonly system: string };

/** The cluster's system identifier, as text. Initdb makes it; a standby shares its primary's. */
export const systemIdentifier: Sql = sql`(SELECT system_identifier::text FROM pg_control_system())`;

/** Reads which database the session is connected to. */
export async function readDatabaseIdentity(queries: Queries): Promise<DatabaseIdentity> {
  const [identity] = await queries.rows(
    sql`
      SELECT current_database()::text AS name,
             ${systemIdentifier} AS system
    `,
    z.object({ name: z.string(), system: z.string() }),
  );
  if (identity === undefined) throw new Error("the server returned no row for its database");
  return identity;
}
