import { readdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { sql } from "../../src/postgres/sql.ts";
import { processesMarked } from "../setup/marked-processes.ts";
import type { Place } from "./command.ts";
import { restoredDatabase } from "./scenarios.ts";
import { type ChaosServer, company, namesOf } from "./server.ts";
import type { Undisturbed } from "./world.ts";

/** How long sessions and processes of a dead command may take to end. */
const endingInMilliseconds = 15_000;

const waitingSchema = z.object({ what: z.string() });

/** Sessions of Tenantry and its programs, and advisory locks. */
async function sessionsLeft(server: ChaosServer): Promise<string[]> {
  const rows = await server.inDatabase("postgres", (session) =>
    session.rows(
      sql`
        SELECT 'session ' || application_name || ': ' || left(query, 80) AS what
          FROM pg_stat_activity
         WHERE application_name ~ '^(tenantry|pg_dump|pg_restore)'
         UNION ALL
        SELECT 'advisory lock ' || objid
          FROM pg_locks
         WHERE locktype = 'advisory'
      `,
      waitingSchema,
    ),
  );
  return rows.map(({ what }) => what);
}

/** What is left in a database when its command is done: nothing is under way, nothing is half there. */
async function databaseLeft(server: ChaosServer, database: string): Promise<string[]> {
  return server.inDatabase(database, async (session) => {
    const invalid = await session.rows(
      sql`
        SELECT 'invalid index ' || indexrelid::regclass::text AS what
          FROM pg_index
         WHERE NOT indisvalid
         UNION ALL
        SELECT 'constraint that is not validated: ' || conname
          FROM pg_constraint
         WHERE NOT convalidated
      `,
      waitingSchema,
    );
    const schemas = await namesOf(session, "schemas");
    const journal = schemas.includes("tenantry")
      ? await session.rows(
          sql`
            SELECT 'run that is ' || state AS what
              FROM tenantry.run
             WHERE state NOT IN ('applied', 'rolled back')
             UNION ALL
            SELECT 'step that is ' || s.state || ' in a run that is ' || r.state || ': ' || s.id
              FROM tenantry.step s
              JOIN tenantry.run r ON r.id = s.run_id
             WHERE s.state = 'running'
                OR (s.state = 'applied') <> (r.state = 'applied')
             UNION ALL
            SELECT 'lease held by ' || holder
              FROM tenantry.lease
             WHERE expires_at > clock_timestamp()
          `,
          waitingSchema,
        )
      : [];
    return [...invalid, ...journal].map(({ what }) => what);
  });
}

/** Folders that a command keeps on purpose: backups, row ownership, rehearsals, logs. */
async function filesLeft({ folder }: Place): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const unfinished = names.filter((name) => /\.(partial|tmp)($|\/)/.test(name));
  const temporary = (await readdir(path.join(folder, "tmp"))).filter((name) => name !== "trace");
  return [
    ...unfinished.filter((name) => /\.(partial|tmp)$/.test(name)).map((name) => `file ${name}`),
    ...temporary.map((name) => `temporary ${name}`),
  ];
}

/** Everything that a command left behind, in words. */
export async function leftBehind(
  server: ChaosServer,
  place: Place,
  marks: readonly string[],
  { scenario, roles, schemas }: Undisturbed,
): Promise<readonly string[]> {
  const deadline = Date.now() + endingInMilliseconds;
  let alive: string[];
  for (;;) {
    const processes = await Promise.all(marks.map(processesMarked));
    alive = [
      ...(await sessionsLeft(server)),
      ...processes.flat().map((command) => `process ${command.replaceAll("\0", " ")}`),
    ];
    if (alive.length === 0 || Date.now() > deadline) break;
    await sleep(100);
  }
  const others = await server.inDatabase(scenario.compared, async (session) => {
    const known = /^(postgres|template[01]|state_\w+|company|company_before_restore_\d+)$/;
    const databases = (await namesOf(session, "databases")).filter((name) => !known.test(name));
    const strange = databases.filter(
      (name) => name !== restoredDatabase || scenario.compared !== restoredDatabase,
    );
    return [
      ...strange.map((name) => `database ${name}`),
      ...beyond("role", roles, await namesOf(session, "roles")),
      ...beyond("schema", schemas, await namesOf(session, "schemas")),
    ];
  });
  const within = new Set([scenario.compared, company]);
  const inDatabases = await Promise.all([...within].map((name) => databaseLeft(server, name)));
  return [...alive, ...others, ...inDatabases.flat(), ...(await filesLeft(place))];
}

function beyond(what: string, wanted: readonly string[], found: readonly string[]): string[] {
  return found.filter((name) => !wanted.includes(name)).map((name) => `${what} ${name}`);
}
