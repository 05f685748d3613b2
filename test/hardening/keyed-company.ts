import { execa } from "execa";
import { z } from "zod";
import type { Config } from "../../src/config/schema.ts";
import type { Session } from "../../src/postgres/connection.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

/** Foreign keys of every kind between tenant tables, all of them hardened. */
export const hardenedKeys: Config = {
  ...smallCompany,
  day2: { tables: { settings: "default", notes: { via: "lead_id" }, tags: { via: "note_id" } } },
  hardening: { foreignKeys: ["all"], uniqueConstraints: ["all"] },
};

const long = "k".repeat(63);

const keys = [
  "ALTER TABLE leads ADD CONSTRAINT leads_id_phone UNIQUE (id, phone)",
  `CREATE TABLE notes (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     lead_id bigint CONSTRAINT "of a ""lead""" REFERENCES leads ON UPDATE CASCADE,
     parent_id bigint CONSTRAINT ${long} REFERENCES notes ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
     phone text,
     label text,
     FOREIGN KEY (lead_id, phone) REFERENCES leads (id, phone) ON DELETE SET NULL (phone)
   )`,
  // Two keys onto the same columns, one of them NOT VALID, which stays.
  `CREATE TABLE tags (
     note_id bigint REFERENCES notes ON DELETE RESTRICT,
     name text NOT NULL,
     lead_id bigint,
     CONSTRAINT "tags_note_id_fkey_per_organization" CHECK (name <> ''),
     PRIMARY KEY (note_id, name)
   )`,
  "ALTER TABLE tags ADD CONSTRAINT of_a_lead FOREIGN KEY (lead_id) REFERENCES leads NOT VALID",
  `CREATE UNIQUE INDEX "a label, once" ON notes (lower(label) COLLATE "C" DESC) WITH (fillfactor = 70) WHERE label <> ''`,
  "ALTER TABLE settings ADD CONSTRAINT a_value UNIQUE (value, name) DEFERRABLE",
  `COMMENT ON CONSTRAINT "of a ""lead""" ON notes IS 'it''s @omit \\ of a lead'`,
  `COMMENT ON CONSTRAINT ${long} ON notes IS '@foreignFieldName replies'`,
  "COMMENT ON CONSTRAINT a_value ON settings IS 'of the constraint'",
  "COMMENT ON INDEX a_value IS 'of the index'",
  `COMMENT ON INDEX "a label, once" IS 'once only'`,
  `ALTER INDEX "a label, once" ALTER COLUMN 1 SET STATISTICS 500`,
  `CREATE UNIQUE INDEX "a phone, once" ON leads (phone)`,
  `ALTER TABLE leads CLUSTER ON "a phone, once"`,
  "GRANT ALL ON notes, tags TO small_company_app",
  "INSERT INTO notes (lead_id, phone, label) SELECT id, phone, 'note ' || id FROM leads",
  // Of the same person, and so in the same organization.
  "UPDATE notes SET parent_id = id - 8 WHERE id > 8",
  "INSERT INTO tags (note_id, name) SELECT id, 'new' FROM notes",
  "UPDATE settings SET value = name",
];

/** Makes it; takes a superuser. */
export async function makeKeyedCompany(session: Session): Promise<void> {
  await makeSmallCompany(session, 200);
  const [server] = await session.rows(
    sql`SELECT current_setting('server_version_num')::integer AS version`,
    z.object({ version: z.number() }),
  );
  for (const statement of keys) {
    // PostgreSQL 14 sets all columns, and such a key stays as it is.
    const before15 = (server?.version ?? 0) < 150_000;
    await session.execute(raw(before15 ? statement.replace("NULL (phone)", "NULL") : statement));
  }
}

/** Runs a statement for which no foreign key is asked, as a restore or a careless import does. */
export async function orphan(session: Session, statement: string): Promise<void> {
  await session.transaction(async (queries) => {
    await queries.execute(sql`SET LOCAL session_replication_role = replica`);
    await queries.execute(raw(statement));
  });
}

/** The comments on constraints and indexes, which the schema's fingerprint does not have. */
export async function commentsOf(session: Session): Promise<readonly unknown[]> {
  return session.rows(
    sql`
      SELECT pg_describe_object(d.classoid, d.objoid, 0) AS object, d.description
        FROM pg_description d
       WHERE d.classoid = 'pg_constraint'::regclass
          OR d.objoid IN (SELECT indexrelid FROM pg_index)
       ORDER BY 1
    `,
    z.unknown(),
  );
}

/** The schema as pg_dump writes it, without the journal's. */
export async function schemaOf(url: string): Promise<string> {
  const { stdout } = await execa("pg_dump", [
    ...["--schema-only", "--exclude-schema=tenantry", "--dbname", url],
  ]);
  // Newer versions of pg_dump write a key that is another each time.
  return stdout.replaceAll(/^\\(un)?restrict .*$/gm, "");
}
