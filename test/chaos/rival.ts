import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Session, sqlState } from "../../src/postgres/connection.ts";
import { ident, sql } from "../../src/postgres/sql.ts";
import type { FaultKind, Scene } from "./faults.ts";
import { company } from "./server.ts";

/** How long a rival holds its locks. */
const heldInMilliseconds = 1_500;

/** A report that reads for so long: a statement that waits for it keeps the application's writers waiting. */
export const readerInMilliseconds = 2_500;

const relationSchema = z.object({ schema: z.string(), name: z.string() });

async function relationsOf(session: Session) {
  return session.rows(
    sql`
      SELECT n.nspname::text AS schema,
             c.relname::text AS name
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname IN ('public', 'tenantry')
         AND c.relkind = 'r'
       ORDER BY n.nspname,
                c.relname
    `,
    relationSchema,
  );
}

/**
 * Locks every table that is free, as a migration of the application would, lets the command go on into
 * them, and then waits, cancels its statement, or asks for what the command holds, which is a deadlock.
 */
export async function holdLocks(kind: FaultKind, scene: Scene): Promise<void> {
  const { server, running } = scene;
  if (kind === "long reader") return readLong(scene);
  await server.inDatabase(company, async (session) => {
    await session.execute(sql`BEGIN`);
    const taken: z.output<typeof relationSchema>[] = [];
    for (const relation of await relationsOf(session)) {
      if (!(await tryLock(session, relation, true))) taken.push(relation);
    }
    running.go();
    try {
      if (kind === "cancel a statement") await cancelWaiting(session);
      if (kind === "deadlock") {
        await sleep(100);
        for (const relation of taken) {
          if (!(await tryLock(session, relation, false))) break;
        }
      }
      if (kind === "hold locks") await sleep(heldInMilliseconds);
    } finally {
      await session.execute(sql`ROLLBACK`);
    }
  });
}

/** Reads the application's tables in one transaction, as a report does. */
async function readLong({ server, running }: Scene): Promise<void> {
  await server.inDatabase(company, async (session) => {
    await session.execute(sql`BEGIN`);
    await session.execute(sql`SET LOCAL lock_timeout = '200ms'`);
    try {
      await session.execute(sql`LOCK TABLE leads, calls IN ACCESS SHARE MODE`);
    } catch (error) {
      if (sqlState(error) !== "55P03") throw error;
    }
    running.go();
    await sleep(readerInMilliseconds);
    await session.execute(sql`ROLLBACK`);
  });
}

/** @returns false where somebody else holds it */
async function tryLock(
  session: Session,
  relation: z.output<typeof relationSchema>,
  atOnce: boolean,
): Promise<boolean> {
  await session.execute(sql`SAVEPOINT free`);
  try {
    if (!atOnce) await session.execute(sql`SET LOCAL lock_timeout = '1500ms'`);
    const lock = sql`LOCK TABLE ${ident(relation)} IN ACCESS EXCLUSIVE MODE`;
    await session.execute(atOnce ? sql`${lock} NOWAIT` : lock);
    return true;
  } catch (error) {
    if (!["55P03", "40P01", "42P01"].includes(sqlState(error) ?? "")) throw error;
    await session.execute(sql`ROLLBACK TO SAVEPOINT free`);
    return false;
  }
}

/** Cancels the first statement of Tenantry that waits for the rival. */
async function cancelWaiting(session: Session): Promise<void> {
  const deadline = Date.now() + heldInMilliseconds;
  while (Date.now() < deadline) {
    const cancelled = await session.rows(
      sql`
        SELECT pg_cancel_backend(pid) AS done
          FROM pg_stat_activity
         WHERE application_name ~ '^tenantry'
           AND wait_event_type = 'Lock'
      `,
      z.object({ done: z.boolean() }),
    );
    if (cancelled.length > 0) return;
    await sleep(20);
  }
}
