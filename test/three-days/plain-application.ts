import type { Config } from "../../src/config/schema.ts";
import { openSession, type Session } from "../../src/postgres/connection.ts";
import { ident, literal, type Sql, sql } from "../../src/postgres/sql.ts";

/** What the application's login role signs in with. */
const password = "a password of the tests";

/** Roles belong to the whole server, and two tests may make them at the same time. */
function roleUnlessThere(name: string, attributes: Sql): Sql {
  return sql`
    DO $$
    BEGIN
      CREATE ROLE ${ident(name)} ${attributes};
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
    END
    $$
  `;
}

const roles: readonly Sql[] = [
  roleUnlessThere("app_user_role", sql`NOLOGIN`),
  roleUnlessThere("app_login", sql`LOGIN PASSWORD ${literal(password)}`),
  sql`
    DO $$
    BEGIN
      GRANT app_user_role TO app_login;
    EXCEPTION
      WHEN unique_violation THEN NULL;
    END
    $$
  `,
];

const tables: readonly Sql[] = [
  sql`
    CREATE TABLE public.app_user (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      email text NOT NULL UNIQUE,
      company text NOT NULL
    )
  `,
  sql`
    CREATE TABLE public.customer (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      owned_by bigint NOT NULL REFERENCES public.app_user (id),
      name text NOT NULL
    )
  `,
  sql`
    CREATE TABLE public.invoice (
      number text PRIMARY KEY,
      customer_id bigint NOT NULL REFERENCES public.customer (id),
      total numeric(10, 2) NOT NULL DEFAULT 0
    )
  `,
  sql`
    CREATE TABLE public.invoice_line (
      invoice_number text NOT NULL REFERENCES public.invoice (number) ON UPDATE CASCADE,
      line integer NOT NULL,
      article text NOT NULL,
      PRIMARY KEY (invoice_number, line)
    )
  `,
  sql`
    CREATE TABLE public.activity (
      at timestamptz NOT NULL DEFAULT now(),
      actor_email text NOT NULL,
      what text NOT NULL
    )
  `,
  sql`
    CREATE TABLE public.price_list (
      id integer PRIMARY KEY,
      article text NOT NULL
    )
  `,
  sql`
    CREATE TABLE public.country (
      code text PRIMARY KEY,
      name text NOT NULL
    )
  `,
];

const rows: readonly Sql[] = [
  sql`
    INSERT INTO public.app_user (email, company)
    SELECT format('user%s@%s.example', n, company), company
      FROM generate_series(1, 12) AS n
     CROSS JOIN LATERAL (SELECT CASE WHEN n % 3 = 0 THEN 'north' ELSE 'own' END AS company) AS c
  `,
  sql`
    INSERT INTO public.customer (owned_by, name)
    SELECT u.id, format('customer %s of %s', n, u.email)
      FROM public.app_user u
     CROSS JOIN generate_series(1, 5) AS n
  `,
  sql`
    INSERT INTO public.invoice (number, customer_id, total)
    SELECT format('%s-%s', c.id, n), c.id, n * 10
      FROM public.customer c
     CROSS JOIN generate_series(1, 3) AS n
  `,
  sql`
    INSERT INTO public.invoice_line (invoice_number, line, article)
    SELECT i.number, n, 'article ' || n
      FROM public.invoice i
     CROSS JOIN generate_series(1, 2) AS n
  `,
  sql`
    INSERT INTO public.activity (at, actor_email, what)
    SELECT timestamptz '2024-05-01 12:00+00', u.email, 'step ' || n
      FROM public.app_user u
     CROSS JOIN generate_series(1, 4) AS n
  `,
  sql`INSERT INTO public.price_list VALUES (1, 'article 1'), (2, 'article 2'), (3, 'article 3')`,
  sql`INSERT INTO public.country VALUES ('DE', 'Germany'), ('FR', 'France')`,
];

const grants: readonly Sql[] = [
  sql`GRANT USAGE ON SCHEMA public TO app_user_role`,
  sql`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app_user_role`,
];

/** An application on PostgreSQL alone: no schema auth, keys that are numbers, one role for requests. */
export async function makePlainApplication(session: Session): Promise<void> {
  for (const role of roles) await session.execute(role);
  await session.transaction(async (queries) => {
    for (const statement of [...tables, ...rows, ...grants]) await queries.execute(statement);
  });
}

/**
 * Gives the database to a role that is no superuser, as a hosted one has it.
 * @returns where that role finds it
 */
export async function giveToOwner(session: Session, url: string): Promise<string> {
  const own = new URL(url);
  for (const statement of [
    roleUnlessThere("app_owner", sql`LOGIN PASSWORD ${literal(password)}`),
    sql`GRANT app_user_role TO app_owner`,
    sql`ALTER DATABASE ${ident(own.pathname.slice(1))} OWNER TO app_owner`,
    sql`ALTER SCHEMA public OWNER TO app_owner`,
    ...["app_user", "customer", "invoice", "invoice_line", "activity", "price_list", "country"].map(
      (name) => sql`ALTER TABLE ${ident({ schema: "public", name })} OWNER TO app_owner`,
    ),
  ]) {
    await session.execute(statement);
  }
  own.username = "app_owner";
  own.password = password;
  return own.href;
}

/** Its configuration: all four sources, a second organization, a shared table. */
export function plainConfig(identity: NonNullable<Config["identity"]>): Config {
  return {
    identity,
    users: {
      table: "app_user",
      owners:
        "record.email IN ('user1@own.example', 'user3@north.example') OR record.email LIKE 'user12@%'",
    },
    roles: { signedIn: "app_user_role" },
    organizations: [{ name: "North", slug: "north", users: "record.company = 'north'" }],
    day1: {
      tables: {
        // The children are named before their parents: the plan puts them in order.
        invoice_line: { via: "invoice_number" },
        invoice: { via: "customer_id" },
        customer: { user: "owned_by" },
      },
    },
    day2: {
      tables: {
        activity: {
          sql: `(SELECT m.organization_id
                   FROM public.app_user AS u
                   JOIN public.organization_users AS m ON m.user_id = u.id
                  WHERE u.email = record.actor_email)`,
        },
        price_list: "default",
      },
    },
    sharedTables: { country: "the same for everybody" },
    exemptTables: { app_user: "the users themselves" },
    audit: {
      accepted: [
        {
          rule: "exempt-open",
          object: "public.app_user",
          reason: "the application shows all of its users",
          until: "2999-12-31",
        },
        ...[
          "invoice_customer_id_fkey on public.invoice",
          "invoice_line_invoice_number_fkey on public.invoice_line",
        ].map((object) => ({
          rule: "foreign-key-across",
          object,
          reason: "it is not hardened here",
          until: "2999-12-31",
        })),
      ],
    },
  };
}

/** A session of the application, signed in to the server as itself. */
export function openApplication(url: string): Promise<Session> {
  const own = new URL(url);
  own.username = "app_login";
  own.password = password;
  return openSession({ url: own.href }, "plain application");
}
