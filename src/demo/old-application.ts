import { z } from "zod";
import { withSession } from "../postgres/sessions.ts";
import { sql } from "../postgres/sql.ts";
import {
  oldApplicationName,
  type SteadyWriters,
  startWriters,
  type WriteRate,
} from "../writers/steady-writers.ts";
import type { WritesReport } from "../writers/tally.ts";
import { type Account, writes } from "./old-writes.ts";

export type OldApplicationReport = WritesReport;

/**
 * Starts an application without organizations that writes at a steady rate, as a signed-in user or as the
 * service role, each write in its own transaction, as PostgREST does.
 */
export async function startOldApplication(
  url: string,
  { writesPerSecond = 100, sessions = 3 }: Partial<WriteRate> = {},
): Promise<SteadyWriters> {
  const accounts = await readAccounts(url);
  // Only one session writes for an account, so it knows the account's rows.
  const owned = Array.from({ length: sessions }, (_, session) =>
    accounts.filter((_account, index) => index % sessions === session),
  );
  return startWriters({ url }, { writesPerSecond, sessions }, (session, turn) => {
    const own = owned[session] ?? [];
    const write = writes[turn % writes.length];
    const account = own[Math.floor(turn / writes.length) % own.length];
    if (write === undefined || account === undefined) return undefined;
    const { table, verb, role } = write;
    const claims = role === "authenticated" ? { sub: account.user, role } : { role };
    return {
      table,
      verb,
      role,
      async run(queries) {
        await queries.execute(sql`
          SELECT set_config('role', ${role}, true),
            set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)
        `);
        await write.run(queries, account);
      },
    };
  });
}

const accountSchema = z.object({
  user: z.string(),
  leads: z.array(z.string()),
  campaigns: z.array(z.string()),
});

function readAccounts(url: string): Promise<Account[]> {
  return withSession({ url }, oldApplicationName, {}, async (session) => {
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
  });
}
