import { z } from "zod";
import { sql } from "../postgres/sql.ts";
import { attackersRequest, type Ground, joinOnly } from "./ground.ts";
import { attempt, attemptRows } from "./impersonation.ts";
import { asRequest } from "./request.ts";
import { isAccepted } from "./surroundings.ts";
import type { Tried } from "./writing.ts";

const nothing: Tried = { violations: [], remarks: [] };

/** Supabase's files: one in a folder of others, in each bucket that is not public, is out of reach. */
export async function tryStorage(ground: Ground): Promise<Tried> {
  const { queries, foreign, settings } = ground;
  const buckets = await attemptRows(
    queries,
    sql`SELECT id::text, public FROM storage.buckets ORDER BY id LIMIT 50`,
    z.object({ id: z.string(), public: z.boolean().nullable() }),
  );
  // There is no storage here.
  if (buckets.kind === "refused") return nothing;
  const accepted = settings.audit.accepted.find(
    ({ rule, object }) => rule === "storage-open" && isAccepted(settings, object),
  );
  if (accepted !== undefined) return { violations: [], remarks: [`accepted: ${accepted.reason}`] };
  await joinOnly(ground, ["own"]);
  const violations: string[] = [];
  const remarks: string[] = [];
  for (const bucket of buckets.rows) {
    if (bucket.public === true) {
      remarks.push(`${bucket.id} is public`);
      continue;
    }
    const name = `${foreign}/tenantry-${foreign}.txt`;
    const planted = await attempt(
      queries,
      sql`INSERT INTO storage.objects (bucket_id, name) VALUES (${bucket.id}, ${name})`,
    );
    if (planted.kind === "refused") {
      remarks.push(`no file could be put into ${bucket.id}: ${planted.message}`);
      continue;
    }
    const seen = await asRequest(queries, attackersRequest(ground), () =>
      attemptRows(
        queries,
        sql`SELECT name FROM storage.objects WHERE bucket_id = ${bucket.id} AND name = ${name}`,
        z.object({ name: z.string() }),
      ),
    );
    if (seen.kind === "done" && seen.rows.length > 0) {
      violations.push(`a file in a folder of others in ${bucket.id} is seen`);
    }
    const written = await asRequest(queries, attackersRequest(ground), () =>
      attempt(
        queries,
        sql`INSERT INTO storage.objects (bucket_id, name) VALUES (${bucket.id}, ${`${name}.mine`})`,
      ),
    );
    if (written.kind === "done") {
      violations.push(`a file can be put into a folder of others in ${bucket.id}`);
    }
  }
  return { violations, remarks };
}
