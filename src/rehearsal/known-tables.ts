import { configuredName, type Settings } from "../config/settings.ts";
import { messageOf } from "../errors.ts";
import { isConnectionLoss, type Queries, type Session, sqlState } from "../postgres/connection.ts";
import { type RelationName, sql } from "../postgres/sql.ts";
import { RowOutOfSight, type Verb } from "../writers/steady-writers.ts";
import {
  deleteRow,
  insertCopy,
  type Key,
  obstacleTo,
  type RowWrites,
  readKeys,
  rowWritesOf,
  updateRow,
} from "./row-writes.ts";
import { readWrittenTable } from "./written-table.ts";

/** A table that is written: how, and rows that were there at the start. */
export type KnownTable = RowWrites & {
  /** As the configuration writes it. */
  readonly name: string;
  readonly keys: readonly Key[];
  readonly verbs: readonly Verb[];
};

/** A kind of write that a table does not get, and why. */
export type NotWritten = { readonly table: string; readonly verb: Verb; readonly reason: string };

type Learnt = {
  readonly tables: readonly KnownTable[];
  readonly notWritten: readonly NotWritten[];
};

const verbs: readonly Verb[] = ["update", "insert", "delete"];

/** Reads the tenant tables as they are now, and tries each kind of write on each of them. */
export async function learnTables(
  session: Session,
  settings: Settings,
  role: string | undefined,
): Promise<Learnt> {
  const tables: KnownTable[] = [];
  const notWritten: NotWritten[] = [];
  for (const { relation } of [...settings.tables.day1, ...settings.tables.day2]) {
    const learnt = await learnTable(session, relation, configuredName(relation, settings), role);
    tables.push(...learnt.tables);
    notWritten.push(...learnt.notWritten);
  }
  return { tables, notWritten };
}

/** For the rest of the transaction. */
export async function become(queries: Queries, role: string | undefined): Promise<void> {
  if (role !== undefined) await queries.execute(sql`SELECT set_config('role', ${role}, true)`);
}

async function learnTable(
  session: Session,
  relation: RelationName,
  name: string,
  role: string | undefined,
): Promise<Learnt> {
  const notAtAll = (reason: string): Learnt => ({
    tables: [],
    notWritten: verbs.map((verb) => ({ table: name, verb, reason })),
  });
  const described = await readWrittenTable(session, relation);
  if (described === undefined) return notAtAll("there is no table of that name");
  if (described.primaryKey.length === 0) return notAtAll("it has no primary key");
  const writes = rowWritesOf(relation, described);
  return session.transaction(async (queries) => {
    let keys: readonly Key[] = [];
    const unreadable = await reasonAgainst(queries, role, async () => {
      keys = await readKeys(queries, writes, described.pages);
    });
    const [key] = keys;
    if (unreadable !== undefined) return notAtAll(unreadable);
    if (key === undefined) return notAtAll("it shows no row that could be updated or copied");
    const reasons = new Map<Verb, string>();
    for (const verb of verbs) {
      const reason =
        obstacleTo(verb, writes, described) ??
        // It deletes no rows but those that it inserted.
        (verb === "delete" ? reasons.get("insert") : undefined) ??
        (await reasonAgainst(queries, role, () => trials[verb](queries, writes, key)));
      if (reason !== undefined) reasons.set(verb, reason);
    }
    return {
      tables: [{ ...writes, name, keys, verbs: verbs.filter((verb) => !reasons.has(verb)) }],
      notWritten: [...reasons].map(([verb, reason]) => ({ table: name, verb, reason })),
    };
  });
}

const trials: Record<Verb, (queries: Queries, writes: RowWrites, key: Key) => Promise<void>> = {
  update: updateRow,
  async insert(queries, writes, key) {
    // Twice: a default may give the same value each time.
    await insertCopy(queries, writes, key);
    await insertCopy(queries, writes, key);
  },
  async delete(queries, writes, key) {
    await deleteRow(queries, writes, await insertCopy(queries, writes, key));
  },
};

/** Does it, takes it back, and tells why it could not be done; undefined where it could. */
async function reasonAgainst(
  queries: Queries,
  role: string | undefined,
  work: () => Promise<void>,
): Promise<string | undefined> {
  await queries.execute(sql`SAVEPOINT trial`);
  let reason: string | undefined;
  try {
    await become(queries, role);
    await work();
    // Deferred constraints would be asked at the commit, which does not come.
    await queries.execute(sql`SET CONSTRAINTS ALL IMMEDIATE`);
  } catch (error) {
    const refused = sqlState(error) !== undefined && !isConnectionLoss(error);
    if (!refused && !(error instanceof RowOutOfSight)) throw error;
    reason = messageOf(error);
  }
  await queries.execute(sql`ROLLBACK TO SAVEPOINT trial`);
  return reason;
}
