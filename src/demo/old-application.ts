import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { isConnectionLoss, openSession, type Session } from "../postgres/connection.ts";
import { sql } from "../postgres/sql.ts";
import { type Account, type Write, writes } from "./old-writes.ts";

export type OldApplicationReport = {
  /** All that were tried, failed ones too. */
  readonly writes: number;
  readonly failed: number;
  /** The first few messages. */
  readonly failures: readonly string[];
  readonly longestWaitInMilliseconds: number;
  readonly p99InMilliseconds: number;
  readonly insertedByTable: Readonly<Record<string, number>>;
  readonly deletedByTable: Readonly<Record<string, number>>;
};

export type OldApplication = {
  /** How things stand, while it goes on. */
  report(): OldApplicationReport;
  stop(): Promise<OldApplicationReport>;
};

export type OldApplicationOptions = {
  readonly writesPerSecond?: number;
  readonly sessions?: number;
};

const keptFailures = 5;
const applicationName = "old application";

/**
 * Starts an application that knows nothing of organizations and writes at a steady rate, as a
 * signed-in user or as the service role, each write in a transaction as PostgREST has it.
 */
export async function startOldApplication(
  url: string,
  { writesPerSecond = 100, sessions = 3 }: OldApplicationOptions = {},
): Promise<OldApplication> {
  const accounts = await readAccounts(url);
  const tally = new Tally();
  let stopping = false;
  const interval = (1000 * sessions) / writesPerSecond;
  const loops = Array.from({ length: sessions }, async (_, number) => {
    // No account is written by two sessions, so each knows what its users have.
    const own = accounts.filter((_account, index) => index % sessions === number);
    const connection = new Connection(url);
    let due = performance.now() + (interval * number) / sessions;
    for (let turn = 0; !stopping; turn += 1) {
      await sleep(Math.max(0, due - performance.now()));
      // After a stall it goes on at its rate: it does not catch up.
      due = Math.max(due + interval, performance.now());
      const write = writes[turn % writes.length];
      const account = own[Math.floor(turn / writes.length) % own.length];
      if (write === undefined || account === undefined) break;
      await tally.time(write, () => connection.perform(write, account));
    }
    await connection.close();
  });
  const all = Promise.all(loops);
  return {
    report: () => tally.report(),
    async stop() {
      stopping = true;
      await all;
      return tally.report();
    },
  };
}

/** One session, opened again after it was lost. */
class Connection {
  readonly #url: string;
  #session: Session | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  async perform({ role, run }: Write, account: Account): Promise<void> {
    const claims = role === "authenticated" ? { sub: account.user, role } : { role };
    this.#session ??= await openSession({ url: this.#url }, applicationName);
    try {
      await this.#session.transaction(async (queries) => {
        await queries.execute(sql`
          SELECT set_config('role', ${role}, true),
            set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)
        `);
        await run(queries, account);
      });
    } catch (error) {
      if (isConnectionLoss(error)) this.#session = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }
}

/** What was written, how long each write took, and what went wrong. */
class Tally {
  readonly #waits: number[] = [];
  readonly #failures: string[] = [];
  readonly #inserted: Record<string, number> = {};
  readonly #deleted: Record<string, number> = {};
  #failed = 0;

  async time({ table, verb, role }: Write, work: () => Promise<void>): Promise<void> {
    const start = performance.now();
    try {
      await work();
      const counts =
        verb === "insert" ? this.#inserted : verb === "delete" ? this.#deleted : undefined;
      if (counts !== undefined) counts[table] = (counts[table] ?? 0) + 1;
    } catch (error) {
      this.#failed += 1;
      const message = error instanceof Error ? error.message : String(error);
      if (this.#failures.length < keptFailures) {
        this.#failures.push(`${verb} ${table} as ${role}: ${message}`);
      }
    } finally {
      this.#waits.push(performance.now() - start);
    }
  }

  report(): OldApplicationReport {
    const waits = this.#waits.toSorted((one, other) => one - other);
    return {
      writes: waits.length,
      failed: this.#failed,
      failures: [...this.#failures],
      longestWaitInMilliseconds: waits.at(-1) ?? 0,
      p99InMilliseconds: waits[Math.ceil(waits.length * 0.99) - 1] ?? 0,
      insertedByTable: { ...this.#inserted },
      deletedByTable: { ...this.#deleted },
    };
  }
}

const accountSchema = z.object({
  user: z.string(),
  leads: z.array(z.string()),
  campaigns: z.array(z.string()),
});

async function readAccounts(url: string): Promise<Account[]> {
  const session = await openSession({ url }, applicationName);
  try {
    const rows = await session.rows(
      sql`
        SELECT id AS user,
          ARRAY(
            SELECT leads.id::text
            FROM public.leads
            WHERE leads.user_id = users.id
            ORDER BY leads.id
            LIMIT 20
          ) AS leads,
          ARRAY(
            SELECT campaigns.id::text
            FROM public.campaigns
            WHERE campaigns.user_id = users.id
            ORDER BY campaigns.id
          ) AS campaigns
        FROM auth.users
        ORDER BY id
      `,
      accountSchema,
    );
    return rows.map((row) => ({ ...row, dispositions: [] }));
  } finally {
    await session.close();
  }
}
