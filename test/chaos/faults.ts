import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Session, sqlState } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import type { Running } from "./command.ts";
import type { Network } from "./proxy.ts";
import { holdLocks } from "./rival.ts";
import { type ChaosServer, company } from "./server.ts";

/** What happens to a command. */
export const faultKinds = [
  "kill",
  "end a session",
  "end all sessions",
  "crash the server",
  "cut the connections",
  "stall the network",
  "hold locks",
  "long reader",
  "second command",
  "cancel a statement",
  "deadlock",
  "rival's column",
  "dropped index",
  "fill the disk",
  "pause",
] as const;

export type FaultKind = (typeof faultKinds)[number];

/** What a fault has to work with. */
export type Scene = {
  readonly server: ChaosServer;
  readonly proxy: Network | undefined;
  readonly running: Running;
  /** A number from 0 to 1 that chooses among sessions. */
  readonly choice: number;
};

/** Server processes of Tenantry's sessions, by their age. */
async function backendsOf(server: ChaosServer): Promise<readonly number[]> {
  const rows = await server.inDatabase("postgres", (session) =>
    session.rows(
      sql`
        SELECT pid
          FROM pg_stat_activity
         WHERE application_name ~ '^(tenantry|pg_dump|pg_restore)'
         ORDER BY backend_start,
                  pid
      `,
      z.object({ pid: z.number() }),
    ),
  );
  return rows.map(({ pid }) => pid);
}

async function endSessions(server: ChaosServer, backends: readonly number[]): Promise<void> {
  await server.inDatabase("postgres", async (session) => {
    for (const backend of backends) {
      await session.execute(sql`SELECT pg_terminate_backend(${backend}, 2000)`);
    }
  });
}

/** A server process that dies takes every session with it: the server restarts, and recovers. */
async function crash({ server }: Scene): Promise<void> {
  const [victim] = await backendsOf(server);
  if (victim === undefined) return;
  process.kill(victim, "SIGKILL");
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    await sleep(50);
    const answer = await server.inDatabase("postgres", async () => true).catch(() => false);
    if (answer) return;
  }
  throw new Error("the server did not come back");
}

/** As the applications's own migration would, with the patience that those have. */
async function patiently(session: Session, statement: string): Promise<boolean> {
  await session.set("lock_timeout", "1500");
  try {
    await session.execute(raw(statement));
    return true;
  } catch (error) {
    if (["55P03", "40P01"].includes(sqlState(error) ?? "")) return false;
    throw error;
  }
}

const ownIndexSchema = z.object({ name: z.string() });

/** Drops the index that Day 1 made last, where it is there. */
async function dropIndex({ server }: Scene): Promise<void> {
  await server.inDatabase(company, async (session) => {
    const [index] = await session.rows(
      sql`
        SELECT c.relname::text AS name
          FROM pg_class c
         WHERE c.relkind = 'i'
           AND c.relname LIKE 'idx_%_org_id'
         ORDER BY c.oid DESC
         LIMIT 1
      `,
      ownIndexSchema,
    );
    if (index === undefined) return;
    await patiently(session, `DROP INDEX IF EXISTS "${index.name}"`);
  });
}

/** Faults of which the command is told nothing: they are over when it goes on, or a moment later. */
export async function strike(kind: FaultKind, scene: Scene): Promise<void> {
  const { server, proxy, running, choice } = scene;
  switch (kind) {
    case "kill":
      running.kill("SIGKILL");
      return;
    case "end a session": {
      const backends = await backendsOf(server);
      const victim = backends[Math.floor(choice * backends.length)];
      if (victim !== undefined) await endSessions(server, [victim]);
      return running.go();
    }
    case "end all sessions":
      await endSessions(server, await backendsOf(server));
      return running.go();
    case "crash the server":
      await crash(scene);
      return running.go();
    case "cut the connections":
      proxy?.cut();
      return running.go();
    case "stall the network":
      proxy?.stall();
      running.go();
      await sleep(1_500);
      return proxy?.resume();
    case "hold locks":
    case "long reader":
    case "cancel a statement":
    case "deadlock":
      return holdLocks(kind, scene);
    case "rival's column": {
      running.go();
      await server.inDatabase(company, async (session) => {
        const tries = 3;
        for (let left = tries; left > 0; left -= 1) {
          if (await patiently(session, "ALTER TABLE leads ADD COLUMN IF NOT EXISTS rival text")) {
            return;
          }
        }
      });
      return;
    }
    case "dropped index":
      // While a transaction of ours holds locks, the rival waits for it.
      running.go();
      return dropIndex(scene);
    case "second command":
    case "pause":
    case "fill the disk":
      // They take more than a moment: see the trial.
      return running.go();
    default:
      kind satisfies never;
  }
}

/** Undoes what a rival did meanwhile, so that the end can be compared. */
export async function clearAway(kind: FaultKind, server: ChaosServer): Promise<void> {
  if (kind !== "rival's column") return;
  await server.inDatabase(company, async (session) => {
    await session.execute(raw("ALTER TABLE leads DROP COLUMN IF EXISTS rival"));
  });
}
