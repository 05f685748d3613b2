import { z } from "zod";
import type { Session } from "../src/postgres/connection.ts";
import { sql } from "../src/postgres/sql.ts";

/** Milliseconds from each stage's first step to its last one's end; undefined without a journal. */
export async function stepsLasted(session: Session): Promise<number | undefined> {
  const [journal] = await session.rows(
    sql`SELECT to_regclass('tenantry.step') IS NOT NULL AS there`,
    z.object({ there: z.boolean() }),
  );
  if (journal?.there !== true) return undefined;
  const stages = await session.rows(
    sql`
      SELECT extract(epoch FROM max(verified_at) - min(started_at)) * 1000 AS milliseconds
        FROM tenantry.step
       GROUP BY run_id
    `,
    z.object({ milliseconds: z.coerce.number() }),
  );
  return stages.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
}
