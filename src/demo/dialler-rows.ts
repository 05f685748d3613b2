import { literal, type Sql, sql } from "../postgres/sql.ts";

export const userCount = 50;
const campaignsPerUser = 4;

const fewMessages = 800;

/** The number of rows of the large tables. */
export type DiallerSize = {
  readonly leads: number;
  readonly callLogs: number;
  readonly messages: number;
};

/** Splits a number of rows into leads and calls: at least two of each for every user. */
export function sizeOf(rows: number): DiallerSize {
  const leads = Math.max(userCount * 2, Math.floor((rows * 3) / 8));
  return { leads, callLogs: Math.max(userCount * 2, rows - leads), messages: fewMessages };
}

/** The same key for the same row, in every demo. */
function key(kind: string, number: Sql): Sql {
  return sql`md5(${literal(`${kind} `)} || ${number})::uuid`;
}

/** Row n belongs to user ((n - 1) mod 50) + 1, and so do the rows that refer to it. */
function turn(number: Sql, size: number): Sql {
  return sql`((${number} - 1) % ${literal(size)} + 1)`;
}

const n = sql`n`;

function pick(...choices: readonly string[]): Sql {
  return sql`(${literal(choices)})[n % ${literal(choices.length)} + 1]`;
}

function numbers(count: number): Sql {
  return sql`FROM generate_series(1, ${literal(count)}) AS n`;
}

const user = key("user", turn(n, userCount));
const daysAgo = sql`timestamptz '2026-01-01 00:00+00' - n % 365 * interval '1 day'`;
const phone = sql`'+1' || (2000000000 + (n * 7919::bigint) % 7999999999)`;

/** Expressions for the rows that row n refers to. */
type Parents = { readonly lead: Sql; readonly campaign: Sql; readonly workflow: Sql };

function parentsOf(leads: number): Parents {
  // A lead's user comes from its own number, which 50 may not divide.
  const leadsUser = turn(turn(n, leads), userCount);
  return {
    lead: key("lead", turn(n, leads)),
    campaign: key(
      "campaign",
      sql`(${leadsUser} + n / ${literal(leads)} % ${literal(campaignsPerUser)} * ${literal(userCount)})`,
    ),
    // A user's first campaign and its workflow have the user's number.
    workflow: key("workflow", leadsUser),
  };
}

/** The statements that fill the tables, in an order that the foreign keys allow. */
export function diallerRows(size: DiallerSize): readonly Sql[] {
  const parents = parentsOf(size.leads);
  return [
    ...userAndLeadRows(size),
    ...callRows(size, parents),
    ...workflowRows(size, parents),
    ...carrierRows(),
    ...agentRows(),
    ...otherLeadRows(size, parents),
  ];
}

/** Users, their leads and their campaigns. */
function userAndLeadRows({ leads }: DiallerSize): readonly Sql[] {
  return [
    sql`
      INSERT INTO auth.users (id, email, created_at)
      SELECT ${key("user", n)},
        'agent' || lpad(n::text, 2, '0') || '@' || CASE
          WHEN n <= 10 THEN 'alpha.example'
          WHEN n <= 20 THEN 'beta.example'
          ELSE 'dialler.example'
        END,
        ${daysAgo}
      ${numbers(userCount)}
    `,
    sql`
      INSERT INTO public.leads (id, user_id, phone, name, email, status, priority, created_at, updated_at)
      SELECT ${key("lead", n)}, ${user}, ${phone}, 'Lead ' || n, 'lead' || n || '@example.com',
        ${pick("new", "contacted", "interested", "callback", "closed")}, n % 5, ${daysAgo}, ${daysAgo}
      ${numbers(leads)}
    `,
    sql`
      INSERT INTO public.campaigns (id, user_id, name, status, created_at, updated_at)
      SELECT ${key("campaign", n)}, ${user}, 'Campaign ' || n,
        ${pick("draft", "active", "paused", "completed")}, ${daysAgo}, ${daysAgo}
      ${numbers(userCount * campaignsPerUser)}
    `,
  ];
}

/** Calls, messages and what agents noted of calls. */
function callRows(
  { callLogs, messages }: DiallerSize,
  { lead, campaign }: Parents,
): readonly Sql[] {
  return [
    sql`
      INSERT INTO public.call_logs
        (id, lead_id, campaign_id, phone_number, status, outcome, duration_seconds, created_at)
      SELECT ${key("call", n)}, ${lead}, ${campaign}, ${phone}, 'completed',
        ${pick("answered", "voicemail", "no answer", "busy")}, n % 600, ${daysAgo}
      ${numbers(callLogs)}
    `,
    sql`
      INSERT INTO public.sms_messages (id, lead_id, direction, body, created_at)
      SELECT ${key("sms", n)}, ${lead}, ${pick("outbound", "inbound")}, 'Message ' || n, ${daysAgo}
      ${numbers(messages)}
    `,
    sql`
      INSERT INTO public.dispositions (id, user_id, name, kind, created_at)
      SELECT ${key("disposition", n)}, ${user}, 'Disposition ' || n,
        ${pick("positive", "neutral", "negative")}, ${daysAgo}
      ${numbers(300)}
    `,
    sql`
      INSERT INTO public.disposition_metrics (id, disposition_id, day, calls)
      SELECT ${key("metric", n)}, ${key("disposition", turn(n, 300))}, date '2026-01-01' - n / 300, n % 40
      ${numbers(600)}
    `,
  ];
}

/** Workflows of campaigns, their steps, and where each lead is in them. */
function workflowRows({ leads }: DiallerSize, { lead, workflow }: Parents): readonly Sql[] {
  return [
    sql`
      INSERT INTO public.campaign_workflows (id, campaign_id, name, created_at)
      SELECT ${key("workflow", n)}, ${key("campaign", n)}, 'Workflow ' || n, ${daysAgo}
      ${numbers(userCount * campaignsPerUser)}
    `,
    sql`
      INSERT INTO public.workflow_steps (id, workflow_id, step_number, kind)
      SELECT ${key("step", n)}, ${key("workflow", turn(n, userCount * campaignsPerUser))},
        (n - 1) / ${literal(userCount * campaignsPerUser)} + 1, ${pick("call", "sms", "wait")}
      ${numbers(userCount * campaignsPerUser * 3)}
    `,
    sql`
      INSERT INTO public.lead_workflow_progress (id, lead_id, workflow_id, step_number)
      SELECT ${key("progress", n)}, ${lead}, ${workflow}, n % 3 + 1
      ${numbers(Math.min(leads, 400))}
    `,
  ];
}

/** Phone numbers, carriers, and which carrier has which number. */
function carrierRows(): readonly Sql[] {
  return [
    sql`
      INSERT INTO public.phone_numbers (id, number, friendly_name, created_at)
      SELECT ${key("number", n)}, ${phone}, 'Line ' || n, ${daysAgo}
      ${numbers(300)}
    `,
    sql`
      INSERT INTO public.carriers (id, name, created_at)
      SELECT ${key("carrier", n)}, 'Carrier ' || n, ${daysAgo}
      ${numbers(8)}
    `,
    sql`
      INSERT INTO public.carrier_assignments (id, phone_number_id, carrier_id)
      SELECT ${key("assignment", n)}, ${key("number", n)}, ${key("carrier", turn(n, 8))}
      ${numbers(300)}
    `,
  ];
}

/** What belongs to an agent alone. */
function agentRows(): readonly Sql[] {
  return [
    sql`
      INSERT INTO public.scripts (id, user_id, title, content, created_at)
      SELECT ${key("script", n)}, ${user}, 'Script ' || n, 'Hello, this is call ' || n, ${daysAgo}
      ${numbers(200)}
    `,
    sql`
      INSERT INTO public.voice_broadcast (id, user_id, name, created_at)
      SELECT ${key("broadcast", n)}, ${user}, 'Broadcast ' || n, ${daysAgo}
      ${numbers(200)}
    `,
    sql`
      INSERT INTO public.agent_availability (id, user_id, weekday, starts_at, ends_at)
      SELECT ${key("availability", n)}, ${user}, (n - 1) / ${literal(userCount)}, '09:00', '17:00'
      ${numbers(userCount * 5)}
    `,
    sql`
      INSERT INTO public.dnc_list (id, user_id, phone, created_at)
      SELECT ${key("dnc", n)}, ${user}, ${phone}, ${daysAgo}
      ${numbers(300)}
    `,
    sql`
      INSERT INTO public.contact_lists (id, user_id, name, created_at)
      SELECT ${key("list", n)}, ${user}, 'List ' || n, ${daysAgo}
      ${numbers(200)}
    `,
  ];
}

/** The queue, conversations, and training data, which refer to leads and calls. */
function otherLeadRows({ callLogs }: DiallerSize, { lead, campaign }: Parents): readonly Sql[] {
  return [
    sql`
      INSERT INTO public.call_queue (id, lead_id, campaign_id)
      SELECT ${key("queue", n)}, ${lead}, ${campaign}
      ${numbers(500)}
    `,
    sql`
      INSERT INTO public.ai_conversations (id, lead_id, sentiment, created_at)
      SELECT ${key("conversation", n)}, ${lead}, (n % 200 - 100) / 100.0, ${daysAgo}
      ${numbers(400)}
    `,
    sql`
      INSERT INTO public.ml_training_data (id, call_log_id, label, created_at)
      SELECT ${key("training", n)}, ${key("call", n)}, ${pick("sale", "no sale")}, ${daysAgo}
      ${numbers(Math.min(callLogs, 400))}
    `,
  ];
}
