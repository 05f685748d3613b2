import { z } from "zod";
import {
  describeDifference,
  type FingerprintDifference,
} from "../catalog/fingerprint/fingerprint.ts";
import { orphanRows, orphans, type Referencing } from "../catalog/orphans.ts";
import { findRelation, type Snapshot } from "../catalog/snapshot.ts";
import { type Session, sqlState } from "../postgres/connection.ts";
import { type RelationName, sql, toScript } from "../postgres/sql.ts";
import { validation } from "../steps/table/validation.ts";

/** A rollback is over by then, and waits no longer than that to count rows. */
const limit = "30s";

/** A difference in words; of a foreign key that is NOT VALID now, with the rows that violate it. */
export async function differenceInWords(
  session: Session,
  snapshot: Snapshot,
  difference: FingerprintDifference,
): Promise<string> {
  const words = describeDifference(difference);
  if (difference.kind !== "changed") return words;
  const found = await notValidated(session, difference.object);
  const relation = found === undefined ? undefined : findRelation(snapshot, found);
  const key = relation?.foreignKeys.find(({ name }) => name === found?.constraint);
  if (relation === undefined || key === undefined) return words;
  const referencing = { relation, label: relation.name, key };
  const rows = await violations(session, referencing);
  const validate = toScript(validation(relation, key.name));
  return rows === undefined
    ? `${words}; to validate it: ${validate}`
    : `${words}; ${rows}: ${toScript(orphanRows(referencing))} Correct them, then: ${validate}`;
}

/** The foreign key that an object of the fingerprint is, where it is NOT VALID. */
async function notValidated(
  session: Session,
  object: string,
): Promise<(RelationName & { readonly constraint: string }) | undefined> {
  const [found] = await session.rows(
    sql`
      SELECT n.nspname::text AS schema,
             c.relname::text AS name,
             k.conname::text AS constraint
        FROM pg_constraint k
        JOIN pg_class c ON c.oid = k.conrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE k.contype = 'f'
         AND NOT k.convalidated
         AND format('constraint %I.%I.%I', n.nspname, c.relname, k.conname) = ${object}
    `,
    z.object({ schema: z.string(), name: z.string(), constraint: z.string() }),
  );
  return found;
}

/** What rows violate it; undefined where none do any more. */
async function violations(session: Session, referencing: Referencing): Promise<string | undefined> {
  try {
    return await session.transaction(async (queries) => {
      await queries.execute(sql`SELECT set_config('statement_timeout', ${limit}, TRUE)`);
      const [row] = await queries.rows(orphans(referencing), z.object({ violation: z.string() }));
      return row?.violation;
    }, "read only snapshot");
  } catch (error) {
    const queryCanceled = "57014";
    if (sqlState(error) !== queryCanceled) throw error;
    return `its rows could not be counted in ${limit}`;
  }
}
