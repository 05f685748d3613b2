import { z } from "zod";
import type { Queries } from "../../postgres/connection.ts";
import { ident, type RelationName, type Sql, sql, textOf } from "../../postgres/sql.ts";

/**
 * What a rollback does not undo: HTTP requests, other connections, sequences and files. pg_net and NOTIFY
 * send when the transaction commits, so they never send here.
 */
const leaves =
  "(?<!net\\.)\\mhttp(_get|_post|_put|_patch|_delete|_head)?\\s*\\(|\\mdblink|\\msetval\\s*\\(|\\mnextval\\s*\\(|\\mlo_export\\s*\\(|\\mPROGRAM\\M";

/**
 * The name of a trigger whose function, or a function named in it, does what a rollback does not undo, or
 * is in an untrusted language; as an SQL expression.
 * @param table an SQL expression that is the table's oid
 */
export function nonTransactionalTrigger(table: Sql): Sql {
  return sql`(SELECT min(t.tgname::text)
                FROM pg_trigger t
                JOIN pg_proc f ON f.oid = t.tgfoid
                JOIN pg_language l ON l.oid = f.prolang
               WHERE t.tgrelid = ${table}
                 AND NOT t.tgisinternal
                 AND t.tgenabled <> 'D'
                 AND l.lanname NOT IN ('c', 'internal')
                 AND (NOT l.lanpltrusted
                      OR f.prosrc ~* ${leaves}
                      OR EXISTS (SELECT
                                   FROM pg_proc named
                                   JOIN pg_language its ON its.oid = named.prolang
                                  WHERE its.lanname NOT IN ('c', 'internal')
                                    AND named.prokind IN ('f', 'p')
                                    AND (NOT its.lanpltrusted OR named.prosrc ~* ${leaves})
                                    AND position(named.proname || '(' IN f.prosrc) > 0)))`;
}

/** @returns the name of such a trigger of a table, or undefined */
export async function nonTransactionalTriggerOf(
  queries: Queries,
  relation: RelationName,
): Promise<string | undefined> {
  const oid = sql`${textOf(ident(relation))}::text::regclass`;
  const [found] = await queries.rows(
    sql`SELECT ${nonTransactionalTrigger(oid)} AS trigger`,
    z.object({ trigger: z.string().nullable() }),
  );
  return found?.trigger ?? undefined;
}
