import { z } from "zod";
import { type Sql, sql } from "../../postgres/sql.ts";
import { type AttackSetup, attackersRequest, joinOnly } from "../attacks/attack-setup.ts";
import { isAcceptedRule } from "../attacks/surroundings.ts";
import { attempt, attemptRows } from "../proof/attempt.ts";
import type { Violation } from "../proof/violation.ts";
import type { Tried } from "../tables/try-writes.ts";

const nothing: Tried = { violations: [], remarks: [] };

/** Supabase Storage: in each bucket that is not public, a file in another organization's folder cannot be reached. */
export async function tryStorage(setup: AttackSetup): Promise<Tried> {
  const { queries, foreign, settings } = setup;
  const buckets = await attemptRows(
    queries,
    sql`SELECT id::text, public FROM storage.buckets ORDER BY id LIMIT 50`,
    z.object({ id: z.string(), public: z.boolean().nullable() }),
  );
  // Supabase Storage is not installed.
  if (buckets.kind === "refused") return nothing;
  if (isAcceptedRule(settings, "storage-open")) return nothing;
  await joinOnly(setup, ["own"]);
  const violations: Violation[] = [];
  const remarks: string[] = [];
  for (const bucket of buckets.rows) {
    if (bucket.public === true) {
      remarks.push(
        `bucket ${bucket.id} was not tried: it is public, so that everybody reads its files`,
      );
      continue;
    }
    const name = `${foreign}/tenantry-${foreign}.txt`;
    const planted = await attempt(
      queries,
      sql`INSERT INTO storage.objects (bucket_id, name) VALUES (${bucket.id}, ${name})`,
    );
    if (planted.kind === "refused") {
      remarks.push(
        `bucket ${bucket.id} was not tried: no file could be written: ${planted.message}`,
      );
      continue;
    }
    const request = attackersRequest(setup);
    const shown = (statement: Sql, answer: string) => ({
      ...{ who: "a member", request, object: { schema: "storage", name: "objects" } },
      ...{ statement, answer },
    });
    const reading = sql`SELECT name FROM storage.objects WHERE bucket_id = ${bucket.id} AND name = ${name}`;
    const seen = await attemptRows(queries, reading, z.object({ name: z.string() }), request);
    if (seen.kind === "done" && seen.rows.length > 0) {
      violations.push({
        what: `a file in another organization's folder in ${bucket.id} is seen`,
        shown: shown(reading, `${name}, which the proof wrote`),
      });
    }
    const writing = sql`INSERT INTO storage.objects (bucket_id, name) VALUES (${bucket.id}, ${`${name}.mine`})`;
    const written = await attempt(queries, writing, request);
    if (written.kind === "done") {
      violations.push({
        what: `a file can be written to another organization's folder in ${bucket.id}`,
        shown: shown(writing, "it was written"),
      });
    }
  }
  return { violations, remarks };
}
