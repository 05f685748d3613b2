import type { Config } from "../../src/config/schema.ts";
import { type Sql, sql } from "../../src/postgres/sql.ts";

/** Tables of every kind that a plan meets. */
export const companyTables: readonly Sql[] = [
  sql`CREATE TABLE public.people (id bigint PRIMARY KEY, email text)`,
  sql`CREATE TABLE public.projects (id integer PRIMARY KEY, person_id bigint REFERENCES public.people)`,
  sql`CREATE TABLE public.tasks (
    id integer PRIMARY KEY,
    project_id integer REFERENCES public.projects,
    next_task integer REFERENCES public.tasks,
    country text
  )`,
  sql`CREATE TABLE public.comments (task_id integer REFERENCES public.tasks, author text)`,
  sql`CREATE TABLE public.prices (article text)`,
  sql`CREATE TABLE public.countries (code text PRIMARY KEY)`,
  sql`ALTER TABLE public.tasks ADD FOREIGN KEY (country) REFERENCES public.countries`,
  // Two that refer to each other.
  sql`CREATE TABLE public.hens (id integer PRIMARY KEY, egg integer)`,
  sql`CREATE TABLE public.eggs (id integer PRIMARY KEY, hen integer REFERENCES public.hens)`,
  sql`ALTER TABLE public.hens ADD FOREIGN KEY (egg) REFERENCES public.eggs`,
  // One that has policies in force already, and one that has the column.
  sql`CREATE TABLE public.fenced (person_id bigint)`,
  sql`CREATE POLICY "Everything" ON public.fenced USING (TRUE)`,
  sql`ALTER TABLE public.fenced ENABLE ROW LEVEL SECURITY`,
  sql`CREATE TABLE public.half_done (person_id bigint, organization_id uuid)`,
  sql`CREATE TABLE public.numbered (organization_id integer)`,
  sql`CREATE VIEW public.open_tasks AS SELECT id FROM public.tasks`,
  sql`CREATE SCHEMA sales`,
  sql`CREATE TABLE sales.orders (person_id bigint)`,
];

/** A configuration that fits them. */
export const companyConfig = {
  identity: { kind: "setting", setting: "app.person" },
  users: { table: "people", owners: "record.id = 1" },
  roles: { signedIn: "pg_monitor" },
  day1: { tables: { projects: { user: "person_id" } } },
  day2: {
    tables: {
      comments: { sql: "(SELECT NULL::uuid)" },
      tasks: { via: "project_id", unattributed: "default" },
      prices: "default",
      fenced: { user: "person_id", access: "admins" },
      half_done: { user: "person_id" },
      "sales.orders": { user: "person_id" },
    },
  },
  sharedTables: { countries: "the same for all" },
  exemptTables: {
    people: "the users themselves",
    hens: "no tenant's",
    eggs: "no tenant's",
    numbered: "no tenant's",
  },
} as const satisfies Config;
