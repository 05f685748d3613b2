import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import type { Config } from "../../src/config/schema.ts";
import { type Queries, type Session, sqlState } from "../../src/postgres/connection.ts";
import { ident, type Sql, sql } from "../../src/postgres/sql.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import {
  giveToOwner,
  makePlainApplication,
  openApplication,
  plainConfig,
} from "./plain-application.ts";
import { fingerprintOf, rollAllBack, runAndVerify, testTimeout, texts } from "./three-days.ts";

type Identity = NonNullable<Config["identity"]>;
type User = { readonly id: string; readonly email: string; readonly company: string };

/** How a request says whose it is: with undefined, nobody's. */
type SignIn = (user: string | undefined) => Sql;

const identities: readonly [string, Identity, SignIn][] = [
  [
    "a setting",
    { kind: "setting", setting: "app.user_id" },
    (user) => sql`SELECT set_config('app.user_id', ${user ?? ""}, FALSE)`,
  ],
  [
    "a claim of a token",
    { kind: "jwt-claim", claim: "user" },
    (user) =>
      sql`SELECT set_config('request.jwt.claims', ${JSON.stringify({ user, role: "x" })}, FALSE)`,
  ],
];

/** What each company had before there were organizations, told by the data itself. */
const rowsOf: Readonly<Record<string, (company: string) => Sql>> = {
  customer: (company) => sql`
    SELECT c.id::text AS text
      FROM public.customer c
      JOIN public.app_user u ON u.id = c.owned_by
     WHERE u.company = ${company}
     ORDER BY 1
  `,
  invoice: (company) => sql`
    SELECT i.number AS text
      FROM public.invoice i
      JOIN public.customer c ON c.id = i.customer_id
      JOIN public.app_user u ON u.id = c.owned_by
     WHERE u.company = ${company}
     ORDER BY 1
  `,
  invoice_line: (company) => sql`
    SELECT l.invoice_number || '/' || l.line AS text
      FROM public.invoice_line l
      JOIN public.invoice i ON i.number = l.invoice_number
      JOIN public.customer c ON c.id = i.customer_id
      JOIN public.app_user u ON u.id = c.owned_by
     WHERE u.company = ${company}
     ORDER BY 1
  `,
  activity: (company) => sql`
    SELECT a.actor_email || a.what AS text
      FROM public.activity a
      JOIN public.app_user u ON u.email = a.actor_email
     WHERE u.company = ${company}
     ORDER BY 1
  `,
  price_list: (company) => sql`
    SELECT id::text AS text
      FROM public.price_list
     WHERE ${company}::text = 'own'
     ORDER BY 1
  `,
};

/** The same rows as a user of the application sees them, who knows nothing of companies. */
const seen: Readonly<Record<string, Sql>> = {
  customer: sql`SELECT id::text AS text FROM public.customer ORDER BY 1`,
  invoice: sql`SELECT number AS text FROM public.invoice ORDER BY 1`,
  invoice_line: sql`SELECT invoice_number || '/' || line AS text FROM public.invoice_line ORDER BY 1`,
  activity: sql`SELECT actor_email || what AS text FROM public.activity ORDER BY 1`,
  price_list: sql`SELECT id::text AS text FROM public.price_list ORDER BY 1`,
};

const writes: Readonly<Record<string, Sql>> = {
  customer: sql`UPDATE public.customer SET name = 'written across'`,
  invoice: sql`UPDATE public.invoice SET total = -1`,
  invoice_line: sql`UPDATE public.invoice_line SET article = 'written across'`,
  activity: sql`DELETE FROM public.activity`,
  price_list: sql`DELETE FROM public.price_list`,
};

async function users(queries: Queries): Promise<User[]> {
  return queries.rows(
    sql`SELECT id::text AS id, email, company FROM public.app_user ORDER BY app_user.id`,
    z.object({ id: z.string(), email: z.string(), company: z.string() }),
  );
}

/** How a table's rows of one organization look, whole. */
function contents(queries: Queries, table: string, organization: string): Promise<string[]> {
  return texts(
    queries,
    sql`
      SELECT record::text AS text
        FROM ${ident({ schema: "public", name: table })} AS record
       WHERE record.organization_id = ${organization}
       ORDER BY 1
    `,
  );
}

async function stateOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => "done",
    (error: unknown) => sqlState(error),
  );
}

async function organizationOf(queries: Queries, company: string): Promise<string> {
  const slug = company === "own" ? "default-org" : company;
  const [id] = await texts(
    queries,
    sql`SELECT id::text AS text FROM public.organizations WHERE slug = ${slug}`,
  );
  return id ?? "";
}

/** Writes to whatever can be reached, and expects the other organization's rows untouched by it. */
async function expectNoWritesAcross(
  owner: Session,
  application: Session,
  { company }: User,
): Promise<void> {
  const foreign = await organizationOf(owner, company === "own" ? "north" : "own");
  for (const [table, write] of Object.entries(writes)) {
    const before = await contents(owner, table, foreign);
    await application.execute(sql`BEGIN`);
    await application.execute(write);
    await application.execute(sql`COMMIT`);
    expect(await contents(owner, table, foreign), `${table} written as ${company}`).toEqual(before);
    const relation = ident({ schema: "public", name: table });
    const pushed = sql`UPDATE ${relation} SET organization_id = ${foreign}`;
    const inserted = sql`INSERT INTO ${relation} (organization_id) VALUES (${foreign})`;
    // Where the user has no row left, there is none to push.
    expect(["42501", "done"]).toContain(await stateOf(application.execute(pushed)));
    expect(await stateOf(application.execute(inserted)), `insert into ${table}`).toBe("42501");
    expect(await contents(owner, table, foreign), `${table} pushed as ${company}`).toEqual(before);
  }
}

test.each(identities)(
  "a plain PostgreSQL application that is identified by %s gets its three days, and has them undone",
  async (title, identity, signIn) => {
    const { session, url } = await createDatabase(`plain, ${title}`);
    await makePlainApplication(session);
    const before = await fingerprintOf(session);
    const people = await users(session);
    const expected = new Map<string, string[]>();
    for (const [table, query] of Object.entries(rowsOf)) {
      for (const company of ["own", "north"]) {
        expected.set(`${table} of ${company}`, await texts(session, query(company)));
      }
    }
    const project = await makeProject(url, plainConfig(identity));

    await runAndVerify(project);

    const application = await openApplication(url);
    onTestFinished(() => application.close());
    for (const user of people) {
      await application.execute(signIn(user.id));
      for (const [table, query] of Object.entries(seen)) {
        expect(await texts(application, query), `${table} as ${user.email}`).toEqual(
          expected.get(`${table} of ${user.company}`),
        );
      }
      expect(await texts(application, sql`SELECT slug AS text FROM public.organizations`)).toEqual([
        user.company === "own" ? "default-org" : "north",
      ]);
      expect(
        await texts(application, sql`SELECT code AS text FROM public.country ORDER BY 1`),
      ).toEqual(["DE", "FR"]);
    }
    expect(
      await stateOf(application.execute(sql`INSERT INTO public.country VALUES ('XX', 'X')`)),
    ).toBe("42501");

    const [own, , north] = people;
    if (own === undefined || north === undefined) throw new Error("there are no users");
    for (const user of [own, north]) {
      await application.execute(signIn(user.id));
      await application.execute(
        sql`INSERT INTO public.customer (owned_by, name) VALUES (${user.id}, 'written on Day 3')`,
      );
      await expectNoWritesAcross(session, application, user);
    }
    expect(
      await texts(
        session,
        sql`
          SELECT o.slug AS text
            FROM public.customer c
            JOIN public.organizations o ON o.id = c.organization_id
           WHERE c.owned_by IN (${own.id}, ${north.id})
             AND c.name IN ('written on Day 3', 'written across')
           GROUP BY o.slug
           ORDER BY 1
        `,
      ),
    ).toEqual(["default-org", "north"]);

    await application.execute(signIn(undefined));
    for (const [table, query] of Object.entries(seen)) {
      expect(await texts(application, query), `${table} as nobody`).toEqual([]);
    }

    const customers = sql`SELECT count(*)::text AS text FROM public.customer`;
    const written = await texts(session, customers);
    await rollAllBack(project, session, before);
    expect(await texts(session, customers)).toEqual(written);
  },
  testTimeout,
);

test(
  "the owner of the database need not be a superuser",
  async () => {
    const { session, url } = await createDatabase("plain, by its owner");
    await makePlainApplication(session);
    const own = await giveToOwner(session, url);
    const before = await fingerprintOf(session);
    const project = await makeProject(own, plainConfig({ kind: "jwt-claim" }));
    await runAndVerify(project);
    await rollAllBack(project, session, before);
  },
  testTimeout,
);
