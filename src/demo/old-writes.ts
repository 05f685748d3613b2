import { z } from "zod";
import type { Queries } from "../postgres/connection.ts";
import { type Sql, sql } from "../postgres/sql.ts";
import { RowNotFound, type Verb } from "../writers/timed-write.ts";

/** A user, and the keys of the user's rows that the application knows. */
export type Account = {
  readonly user: string;
  readonly leads: string[];
  readonly campaigns: string[];
  /** Only those that the application inserted: it deletes no others. */
  readonly dispositions: string[];
};

export type Write = {
  readonly table: string;
  readonly verb: Verb;
  readonly role: "authenticated" | "service_role";
  run(queries: Queries, account: Account): Promise<void>;
};

const knownRows = 200;

async function insert(queries: Queries, statement: Sql, known?: string[]): Promise<void> {
  const rows = await queries.rows(statement, z.object({ id: z.string() }));
  // As a client that asks for the new row: the row must be visible to the role that inserted it.
  if (rows.length !== 1) throw new RowNotFound("a row just inserted did not come back");
  if (known === undefined) return;
  known.push(...rows.map(({ id }) => id));
  if (known.length > knownRows) known.shift();
}

function last(rows: readonly string[], what: string): string {
  const row = rows.at(-1);
  if (row === undefined) throw new RowNotFound(`a user has no ${what}`);
  return row;
}

/** The application's writes, which are repeated, each time for another user. */
export const writes: readonly Write[] = [
  {
    table: "leads",
    verb: "insert",
    role: "authenticated",
    run: (queries, account) =>
      insert(
        queries,
        sql`
          INSERT INTO public.leads (user_id, phone, name)
          VALUES (${account.user}, '+15550100', 'New lead')
          RETURNING id
        `,
        account.leads,
      ),
  },
  {
    table: "call_logs",
    verb: "insert",
    role: "authenticated",
    run: (queries, { leads, campaigns }) =>
      insert(
        queries,
        sql`
          INSERT INTO public.call_logs (lead_id, campaign_id, phone_number, status)
          VALUES (${last(leads, "lead")}, ${last(campaigns, "campaign")}, '+15550100', 'completed')
          RETURNING id
        `,
      ),
  },
  {
    table: "leads",
    verb: "update",
    role: "authenticated",
    run: (queries, { leads }) => touchOwn(queries, last(leads, "lead")),
  },
  {
    table: "call_logs",
    verb: "insert",
    role: "service_role",
    run: (queries, { leads }) =>
      insert(
        queries,
        sql`
          INSERT INTO public.call_logs (lead_id, phone_number, status, outcome)
          VALUES (${last(leads, "lead")}, '+15550100', 'completed', 'voicemail')
          RETURNING id
        `,
      ),
  },
  {
    table: "sms_messages",
    verb: "insert",
    role: "authenticated",
    run: (queries, { leads }) =>
      insert(
        queries,
        sql`
          INSERT INTO public.sms_messages (lead_id, body)
          VALUES (${last(leads, "lead")}, 'Call you tomorrow')
          RETURNING id
        `,
      ),
  },
  {
    table: "campaigns",
    verb: "insert",
    role: "authenticated",
    run: (queries, account) =>
      insert(
        queries,
        sql`
          INSERT INTO public.campaigns (user_id, name)
          VALUES (${account.user}, 'New campaign')
          RETURNING id
        `,
        account.campaigns,
      ),
  },
  {
    table: "leads",
    verb: "update",
    role: "authenticated",
    // The oldest known row: at first, one from before the application started.
    run: (queries, { leads }) => touchOwn(queries, last(leads.slice(0, 1), "lead")),
  },
  {
    table: "call_queue",
    verb: "insert",
    role: "service_role",
    run: (queries, { leads, campaigns }) =>
      insert(
        queries,
        sql`
          INSERT INTO public.call_queue (lead_id, campaign_id)
          VALUES (${last(leads, "lead")}, ${last(campaigns, "campaign")})
          RETURNING id
        `,
      ),
  },
  {
    table: "dispositions",
    verb: "insert",
    role: "authenticated",
    run: (queries, account) =>
      insert(
        queries,
        sql`
          INSERT INTO public.dispositions (user_id, name)
          VALUES (${account.user}, 'Call again')
          RETURNING id
        `,
        account.dispositions,
      ),
  },
  {
    table: "dispositions",
    verb: "delete",
    role: "authenticated",
    async run(queries, { dispositions }) {
      const own = last(dispositions, "disposition");
      const deleted = await queries.execute(sql`
        DELETE FROM public.dispositions
        WHERE id = ${own}
      `);
      if (deleted !== 1) throw new RowNotFound("DELETE of an own disposition touched 0 rows");
      dispositions.pop();
    },
  },
];

async function touchOwn(queries: Queries, lead: string): Promise<void> {
  const updated = await queries.execute(sql`
    UPDATE public.leads
    SET status = 'contacted', updated_at = now()
    WHERE id = ${lead}
  `);
  if (updated !== 1) throw new RowNotFound("UPDATE of an own lead touched 0 rows");
}
