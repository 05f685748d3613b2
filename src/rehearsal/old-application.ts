import type { Settings } from "../config/settings.ts";
import type { Target } from "../postgres/connection.ts";
import { withSession } from "../postgres/sessions.ts";
import {
  oldApplicationName,
  type SteadyWriters,
  startWriters,
  type WriteRate,
} from "../writers/steady-writers.ts";
import type { TimedWrite, Verb } from "../writers/timed-write.ts";
import { type KnownTable, learnTables, type NotWritten, setRole } from "./known-tables.ts";
import { deleteRow, insertCopy, type Key, updateRow } from "./row-writes.ts";

export type OldApplication = SteadyWriters & {
  /** The kinds of write that it does not do, and why: the rehearsal does not cover these. */
  readonly notWritten: readonly NotWritten[];
};

export type OldApplicationOptions = Partial<WriteRate> & {
  /** Writes as this role; default: the connection's role. */
  readonly role?: string;
};

/** Of two inserted copies one stays, so that the stages process rows inserted meanwhile. */
const round: readonly Verb[] = ["update", "insert", "update", "insert", "delete"];

/**
 * Starts an application that knows the tenant tables as they are now, without organizations. It updates
 * rows, inserts copies of rows, and deletes some of these copies, at a steady rate. Each kind of write is
 * tried first and rolled back; a kind that fails is left out.
 * @throws AppError CONNECTION_FAILED
 */
export async function startOldApplication(
  target: Target,
  settings: Settings,
  { writesPerSecond = 100, sessions = 3, role }: OldApplicationOptions = {},
): Promise<OldApplication> {
  const { tables, notWritten } = await withSession(target, oldApplicationName, {}, (session) =>
    learnTables(session, settings, role),
  );
  const writes = round.flatMap((verb) =>
    tables.filter(({ verbs }) => verbs.includes(verb)).map((table) => ({ table, verb })),
  );
  const copies = Array.from({ length: sessions }, () => new Copies());
  const writers = startWriters(target, { writesPerSecond, sessions }, (session, turn) => {
    // Each session starts at another position, so that they do not all write the same table.
    const begin = Math.floor((session * writes.length) / sessions);
    const { table, verb } = writes[(begin + turn) % writes.length] ?? {};
    const own = copies[session];
    if (table === undefined || verb === undefined || own === undefined) return undefined;
    const run = writeOf(table, verb, own);
    if (run === undefined) return undefined;
    return {
      table: table.name,
      verb,
      role,
      async run(queries) {
        await setRole(queries, role);
        await run(queries);
      },
    };
  });
  return { ...writers, notWritten };
}

/** The keys of the rows that one session inserted: it deletes only these. */
class Copies {
  readonly #keys = new Map<KnownTable, Key[]>();

  of(table: KnownTable): Key[] {
    const keys = this.#keys.get(table) ?? [];
    this.#keys.set(table, keys);
    return keys;
  }
}

/** Undefined if there is no row to write this time. */
function writeOf(table: KnownTable, verb: Verb, copies: Copies): TimedWrite["run"] | undefined {
  const known = table.keys[Math.floor(Math.random() * table.keys.length)];
  const own = copies.of(table);
  switch (verb) {
    case "update":
      return known && ((queries) => updateRow(queries, table, known));
    case "insert":
      return (
        known &&
        (async (queries) => {
          own.push(await insertCopy(queries, table, known));
        })
      );
    case "delete": {
      const copy = own.pop();
      return copy && ((queries) => deleteRow(queries, table, copy));
    }
    default:
      return verb satisfies never;
  }
}
