import { configuredName, type Settings } from "../config/settings.ts";
import { messageOf } from "../errors.ts";
import { isConnectionLoss, type Queries, type Session, sqlState } from "../postgres/connection.ts";
import { type RelationName, sql } from "../postgres/sql.ts";
import { RowNotFound, type Verb } from "../writers/timed-write.ts";
import {
  deleteRow,
  insertCopy,
  type Key,
  type RowWrites,
  readKeys,
  reasonInCatalog,
  rowWritesOf,
  updateRow,
} from "./row-writes.ts";
import { readWrittenTable } from "./written-table.ts";

/** A table that the application writes: how it is written, and keys of rows that existed at the start. */
export type KnownTable = RowWrites & {
  /** The name as in the configuration. */
  readonly name: string;
  readonly keys: readonly Key[];
  readonly verbs: readonly Verb[];
};

/** A kind of write that the application does not do on a table, and why. */
export type NotWritten = { readonly table: string; readonly verb: Verb; readonly reason: string };

type Learnt = {
  readonly tables: readonly KnownTable[];
  readonly notWritten: readonly NotWritten[];
};

const verbs: readonly Verb[] = ["update", "insert", "delete"];

/** Reads the tenant tables as they are now, and tries each kind of write on each table. */
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

/** Sets the role for the rest of the transaction. */
export async function setRole(queries: Queries, role: string | undefined): Promise<void> {
  if (role !== undefined) await queries.execute(sql`SELECT set_config('role', ${role}, true)`);
}

async function learnTable(
  session: Session,
  relation: RelationName,
  name: string,
  role: string | undefined,
): Promise<Learnt> {
  const notWrittenAtAll = (reason: string): Learnt => ({
    tables: [],
    notWritten: verbs.map((verb) => ({ table: name, verb, reason })),
  });
  const described = await readWrittenTable(session, relation);
  if (described === undefined) return notWrittenAtAll("the table does not exist");
  if (described.primaryKey.length === 0) return notWrittenAtAll("it has no primary key");
  const writes = rowWritesOf(relation, described);
  return session.transaction(async (queries) => {
    let keys: readonly Key[] = [];
    const unreadable = await reasonOfFailure(queries, role, async () => {
      keys = await readKeys(queries, writes, described.pages);
    });
    const [key] = keys;
    if (unreadable !== undefined) return notWrittenAtAll(unreadable);
    if (key === undefined)
      return notWrittenAtAll("no row of it is visible, so none can be updated or copied");
    const reasons = new Map<Verb, string>();
    for (const verb of verbs) {
      const reason =
        reasonInCatalog(verb, writes, described) ??
        // It deletes only rows that it inserted.
        (verb === "delete" ? reasons.get("insert") : undefined) ??
        (await reasonOfFailure(queries, role, () => trials[verb](queries, writes, key)));
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
    // Twice: a default may produce the same value each time.
    await insertCopy(queries, writes, key);
    await insertCopy(queries, writes, key);
  },
  async delete(queries, writes, key) {
    await deleteRow(queries, writes, await insertCopy(queries, writes, key));
  },
};

/** Does the work and rolls it back. @returns why it failed, or undefined if it did not */
async function reasonOfFailure(
  queries: Queries,
  role: string | undefined,
  work: () => Promise<void>,
): Promise<string | undefined> {
  await queries.execute(sql`SAVEPOINT trial`);
  let reason: string | undefined;
  try {
    await setRole(queries, role);
    await work();
    // Deferred constraints are checked at COMMIT, which does not happen here.
    await queries.execute(sql`SET CONSTRAINTS ALL IMMEDIATE`);
  } catch (error) {
    const refused = sqlState(error) !== undefined && !isConnectionLoss(error);
    if (!refused && !(error instanceof RowNotFound)) throw error;
    reason = messageOf(error);
  }
  await queries.execute(sql`ROLLBACK TO SAVEPOINT trial`);
  return reason;
}
