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

/** The rollback is done by then: counting rows takes no longer than this. */
const limit = "30s";

/** Describes a difference; where a foreign key is NOT VALID now, also the rows that violate it. */
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
    : `${words}; ${rows}: ${toScript(orphanRows(referencing))} Fix these rows, then: ${validate}`;
}

/** The foreign key that is this object of the fingerprint, where it is NOT VALID. */
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

/** Describes the rows that violate it; undefined where none do. */
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
