import { type Sql, sql } from "../postgres/sql.ts";

/** The twenty tables of the plan, in an order that their foreign keys allow. */
export const diallerTables: readonly Sql[] = [
  sql`
    CREATE TABLE public.leads (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
      phone text NOT NULL,
      name text,
      email text,
      status text NOT NULL DEFAULT 'new'
        CHECK (status IN ('new', 'contacted', 'interested', 'callback', 'closed')),
      priority integer NOT NULL DEFAULT 1,
      notes text,
      next_callback_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    )
  `,
  sql`
    CREATE TABLE public.campaigns (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
      name text NOT NULL,
      status text NOT NULL DEFAULT 'draft'
        CHECK (status IN ('draft', 'active', 'paused', 'completed')),
      calls_per_minute integer NOT NULL DEFAULT 5,
      max_attempts integer NOT NULL DEFAULT 3,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now()
    )
  `,
  sql`
    CREATE TABLE public.call_logs (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      lead_id uuid NOT NULL REFERENCES public.leads (id) ON DELETE CASCADE,
      campaign_id uuid REFERENCES public.campaigns (id) ON DELETE SET NULL,
      phone_number text NOT NULL,
      status text NOT NULL DEFAULT 'queued',
      outcome text,
      duration_seconds integer NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `,
  sql`
    CREATE TABLE public.sms_messages (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      lead_id uuid NOT NULL REFERENCES public.leads (id) ON DELETE CASCADE,
      direction text NOT NULL DEFAULT 'outbound'
        CHECK (direction IN ('inbound', 'outbound')),
      body text NOT NULL,
      status text NOT NULL DEFAULT 'sent',
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `,
  sql`
    CREATE TABLE public.dispositions (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
      name text NOT NULL,
      kind text NOT NULL DEFAULT 'neutral'
        CHECK (kind IN ('positive', 'neutral', 'negative')),
      next_action jsonb NOT NULL DEFAULT '{}',
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `,
  sql`
    CREATE TABLE public.campaign_workflows (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      campaign_id uuid NOT NULL REFERENCES public.campaigns (id) ON DELETE CASCADE,
      name text NOT NULL,
      active boolean NOT NULL DEFAULT true,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `,
  sql`
    CREATE TABLE public.workflow_steps (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      workflow_id uuid NOT NULL REFERENCES public.campaign_workflows (id) ON DELETE CASCADE,
      step_number integer NOT NULL,
      kind text NOT NULL DEFAULT 'call'
        CHECK (kind IN ('call', 'sms', 'wait')),
      settings jsonb NOT NULL DEFAULT '{}',
      UNIQUE (workflow_id, step_number)
    )
  `,
  sql`
    CREATE TABLE public.lead_workflow_progress (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      lead_id uuid NOT NULL REFERENCES public.leads (id) ON DELETE CASCADE,
      workflow_id uuid NOT NULL REFERENCES public.campaign_workflows (id) ON DELETE CASCADE,
      step_number integer NOT NULL DEFAULT 1,
      status text NOT NULL DEFAULT 'active',
      next_action_at timestamptz,
      UNIQUE (lead_id, workflow_id)
    )
  `,
  sql`
    CREATE TABLE public.scripts (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
      title text NOT NULL,
      content text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `,
  sql`
    CREATE TABLE public.voice_broadcast (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
      name text NOT NULL,
      audio_url text,
      status text NOT NULL DEFAULT 'draft',
      scheduled_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `,
  sql`
    CREATE TABLE public.phone_numbers (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      number text NOT NULL UNIQUE,
      friendly_name text,
      daily_calls integer NOT NULL DEFAULT 0,
      active boolean NOT NULL DEFAULT true,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `,
  sql`
    CREATE TABLE public.carriers (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      name text NOT NULL UNIQUE,
      country text NOT NULL DEFAULT 'US',
      cost_per_minute numeric(8, 4) NOT NULL DEFAULT 0.01,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `,
  sql`
    CREATE TABLE public.carrier_assignments (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      phone_number_id uuid NOT NULL REFERENCES public.phone_numbers (id) ON DELETE CASCADE,
      carrier_id uuid NOT NULL REFERENCES public.carriers (id),
      assigned_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (phone_number_id, carrier_id)
    )
  `,
  sql`
    CREATE TABLE public.call_queue (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      lead_id uuid NOT NULL REFERENCES public.leads (id) ON DELETE CASCADE,
      campaign_id uuid REFERENCES public.campaigns (id) ON DELETE CASCADE,
      status text NOT NULL DEFAULT 'pending',
      attempts integer NOT NULL DEFAULT 0,
      scheduled_at timestamptz NOT NULL DEFAULT now()
    )
  `,
  sql`
    CREATE TABLE public.agent_availability (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
      weekday integer NOT NULL CHECK (weekday BETWEEN 0 AND 6),
      starts_at time NOT NULL,
      ends_at time NOT NULL,
      UNIQUE (user_id, weekday)
    )
  `,
  sql`
    CREATE TABLE public.ai_conversations (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      lead_id uuid NOT NULL REFERENCES public.leads (id) ON DELETE CASCADE,
      transcript jsonb NOT NULL DEFAULT '[]',
      sentiment numeric(3, 2),
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `,
  sql`
    CREATE TABLE public.disposition_metrics (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      disposition_id uuid NOT NULL REFERENCES public.dispositions (id) ON DELETE CASCADE,
      day date NOT NULL,
      calls integer NOT NULL DEFAULT 0,
      UNIQUE (disposition_id, day)
    )
  `,
  sql`
    CREATE TABLE public.dnc_list (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
      phone text NOT NULL,
      reason text,
      created_at timestamptz NOT NULL DEFAULT now(),
      UNIQUE (user_id, phone)
    )
  `,
  sql`
    CREATE TABLE public.contact_lists (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      user_id uuid NOT NULL REFERENCES auth.users (id) ON DELETE CASCADE,
      name text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `,
  sql`
    CREATE TABLE public.ml_training_data (
      id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
      call_log_id uuid NOT NULL REFERENCES public.call_logs (id) ON DELETE CASCADE,
      features jsonb NOT NULL DEFAULT '{}',
      label text,
      created_at timestamptz NOT NULL DEFAULT now()
    )
  `,
];
