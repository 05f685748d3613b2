import { z } from "zod";
import { diallerRoles } from "../../../src/demo/dialler-access.ts";
import type { Session } from "../../../src/postgres/connection.ts";
import { ident, raw, sql } from "../../../src/postgres/sql.ts";

export type Tenant = {
  readonly organization: string;
  readonly lead: string;
};

export const alpha: Tenant = {
  organization: "aaaaaaaa-0000-4000-8000-000000000000",
  lead: "aaaaaaaa-0000-4000-8000-000000000001",
};
export const beta: Tenant = {
  organization: "bbbbbbbb-0000-4000-8000-000000000000",
  lead: "bbbbbbbb-0000-4000-8000-000000000001",
};

const tables = ["leads", "campaigns", "call_logs"];

/** The corpus' tables as they are after Day 3: every row has its organization, and there is no default. */
export async function makeTenants(session: Session): Promise<void> {
  for (const role of diallerRoles) await session.execute(role);
  const organization = "organization_id uuid NOT NULL REFERENCES organizations";
  const id = "id uuid PRIMARY KEY DEFAULT gen_random_uuid()";
  const statements = [
    "CREATE TABLE organizations (id uuid PRIMARY KEY)",
    `CREATE TABLE leads (
       ${id}, ${organization}, phone text, name text, status text, digits text, note text,
       user_id integer, changed boolean, created_at timestamptz NOT NULL DEFAULT now(),
       UNIQUE (organization_id, phone), UNIQUE (organization_id, name, user_id))`,
    `CREATE TABLE campaigns (${id}, ${organization}, name text, status text)`,
    `CREATE TABLE call_logs (${id}, ${organization}, lead_id uuid REFERENCES leads ON DELETE CASCADE)`,
    "GRANT ALL ON ALL TABLES IN SCHEMA public TO service_role",
    ...[alpha, beta].map((tenant) => `INSERT INTO organizations VALUES ('${tenant.organization}')`),
  ];
  for (const statement of statements) await session.execute(raw(statement));
}

/** Replaces all rows by the same few rows for both organizations. */
export async function refill(session: Session): Promise<void> {
  await session.execute(sql`TRUNCATE leads, campaigns, call_logs`);
  for (const { organization, lead } of [alpha, beta]) {
    await session.execute(sql`
      INSERT INTO leads (id, organization_id, phone, name, status)
      VALUES (${lead}, ${organization}, '+1', 'one', 'new')
    `);
    await session.execute(sql`
      INSERT INTO campaigns (organization_id, name, status)
      VALUES (${organization}, 'spring', 'due')
    `);
    await session.execute(sql`
      INSERT INTO call_logs (organization_id, lead_id)
      VALUES (${organization}, ${lead})
    `);
  }
}

/** All rows of one organization as text, to compare them. */
export async function rowsOf(session: Session, { organization }: Tenant): Promise<string> {
  const found: unknown[] = [];
  for (const table of tables) {
    const rows = await session.rows(
      sql`SELECT to_jsonb(t) AS row FROM ${ident(table)} AS t WHERE organization_id = ${organization} ORDER BY id`,
      z.object({ row: z.unknown() }),
    );
    found.push(rows);
  }
  return JSON.stringify(found);
}
