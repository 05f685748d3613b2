import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Config } from "../../src/config/schema.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { makeDatabase, type TestDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";

/** A child for each source: via a key, by a user, by SQL, and the default; and keys of two columns. */
const config: Config = {
  ...smallCompany,
  day2: {
    tables: {
      settings: "default",
      deals: { sql: "SELECT l.organization_id FROM leads l WHERE l.id = record.lead_id" },
      parts: { user: "person_id" },
      later: { via: "lead_id", unattributed: "default" },
    },
  },
};

const tables = [
  "ALTER TABLE leads ADD CONSTRAINT leads_id_phone UNIQUE (id, phone)",
  "CREATE TABLE deals (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, lead_id bigint REFERENCES leads)",
  `CREATE TABLE parts (
     id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     person_id bigint REFERENCES person,
     lead_id bigint,
     phone text,
     FOREIGN KEY (lead_id, phone) REFERENCES leads (id, phone)
   )`,
  "CREATE TABLE later (id int PRIMARY KEY, lead_id bigint REFERENCES leads DEFERRABLE INITIALLY DEFERRED)",
  "INSERT INTO deals (lead_id) SELECT id FROM leads",
  "INSERT INTO parts (person_id, lead_id, phone) SELECT person_id, id, phone FROM leads",
  "INSERT INTO later SELECT id, id FROM leads",
  "GRANT ALL ON ALL TABLES IN SCHEMA public TO small_company_app",
];

/** Who writes: a member of the default organization, of that and another, and of none. */
const writers = { "of one": 1, "of two": 2, "of none": 9, nobody: undefined } as const;
type Writer = keyof typeof writers;

type Statement = (named: { lead: number; phone: string; person: number }) => string;

/** No organization is named: the trigger finds it. */
const unnamed: readonly (readonly [string, Statement])[] = [
  ["INSERT via", ({ lead }) => `INSERT INTO calls (lead_id) VALUES (${lead})`],
  ["INSERT by SQL", ({ lead }) => `INSERT INTO deals (lead_id) VALUES (${lead})`],
  [
    "INSERT by a user",
    ({ person }) => `INSERT INTO leads (person_id, phone) VALUES (${person}, 'x')`,
  ],
  [
    "INSERT by a user, with SQL NULL",
    ({ person }) =>
      `INSERT INTO leads (person_id, phone, organization_id) VALUES (${person}, 'x', NULL)`,
  ],
  [
    "UPDATE via",
    ({ lead }) => `UPDATE calls SET lead_id = ${lead}, organization_id = NULL WHERE id = 8`,
  ],
  [
    "UPDATE by SQL",
    ({ lead }) => `UPDATE deals SET lead_id = ${lead}, organization_id = NULL WHERE id = 8`,
  ],
];

const own = "(SELECT id FROM organizations WHERE slug = 'default-org')";

/** The keys answer by themselves. */
const ofKeys: readonly (readonly [string, Statement])[] = [
  ["INSERT", ({ lead }) => `INSERT INTO calls (lead_id, organization_id) VALUES (${lead}, ${own})`],
  ["UPDATE", ({ lead }) => `UPDATE calls SET lead_id = ${lead} WHERE id = 8`],
  [
    "INSERT with a key of two columns",
    ({ lead, phone }) =>
      `INSERT INTO parts (lead_id, phone, organization_id) VALUES (${lead}, '${phone}', ${own})`,
  ],
  [
    "INSERT with a key of two columns and no organization",
    ({ lead, phone }) => `INSERT INTO parts (lead_id, phone) VALUES (${lead}, '${phone}')`,
  ],
  [
    "UPDATE of a key of two columns",
    ({ lead, phone }) => `UPDATE parts SET lead_id = ${lead}, phone = '${phone}' WHERE id = 8`,
  ],
  ["INSERT with a deferred key", ({ lead }) => `INSERT INTO later VALUES (-1, ${lead})`],
];

const hardened: Config = { ...config, hardening: { foreignKeys: ["all"] } };

describe.each([
  ["before hardening", config],
  ["after hardening", hardened],
])("%s", (when, chosen) => {
  let database: TestDatabase;
  let lead: number;
  let phone: string;

  beforeAll(async () => {
    database = await makeDatabase(`alike ${when}`);
    await makeSmallCompany(database.session, 40);
    for (const statement of tables) await database.session.execute(raw(statement));
  });
  beforeEach(async () => {
    if (lead !== undefined) return;
    const project = await makeProject(database.url, chosen);
    const outcome = await project.tenantry("run", "--yes");
    expect(outcome, outcome.stderr).toMatchObject({ code: 0 });
    await change(
      "INSERT INTO person VALUES (9, 'of none')",
      "INSERT INTO organizations (name, slug) VALUES ('Third', 'third')",
      "INSERT INTO organization_users (organization_id, user_id) SELECT id, 2 FROM organizations WHERE slug = 'third'",
    );
    const [row] = await database.session.rows(
      sql`SELECT id::integer AS lead, phone FROM leads WHERE person_id = 5 ORDER BY id LIMIT 1`,
      z.object({ lead: z.number(), phone: z.string() }),
    );
    lead = row?.lead ?? 0;
    phone = row?.phone ?? "";
  });
  afterAll(() => database.drop());

  async function change(...statements: string[]): Promise<void> {
    for (const statement of statements) await database.session.execute(raw(statement));
  }

  /** All that a client gets of a statement's answer. */
  async function answer(statement: string, writer: Writer | "the service"): Promise<unknown> {
    const { session } = database;
    await session.execute(sql`BEGIN`);
    if (writer !== "the service") {
      await session.execute(
        sql`SELECT set_config('app.user_id', ${String(writers[writer] ?? "")}, TRUE)`,
      );
      await session.execute(sql`SET LOCAL ROLE small_company_app`);
    }
    const outcome = await session
      .execute(raw(statement))
      .then(async () => session.execute(sql`SET CONSTRAINTS ALL IMMEDIATE`))
      .then(
        () => "done",
        (error: unknown) => {
          const fields = z.looseObject({ code: z.string() }).parse({ ...Object(error) });
          return { ...fields, message: error instanceof Error ? error.message : "" };
        },
      );
    await session.execute(sql`ROLLBACK`);
    return outcome;
  }

  const missing = { lead: 999_999, phone: "none", person: 999_999 };

  test.each(Object.keys(writers) as Writer[])(
    "another organization's row and one that does not exist are answered alike where no organization is named: a member %s",
    async (writer) => {
      for (const [what, statement] of unnamed) {
        const hidden = await answer(statement({ lead, phone, person: 5 }), writer);
        expect([what, hidden]).toEqual([what, await answer(statement(missing), writer)]);
        // An UPDATE finds no row where the writer has none.
        if (what.startsWith("INSERT")) {
          expect([what, hidden]).toMatchObject([
            what,
            { code: expect.stringMatching(/^(23503|42501)$/) },
          ]);
        }
      }
    },
  );

  test("foreign keys answer alike once they name the organization", async () => {
    for (const [what, statement] of ofKeys) {
      for (const writer of ["of one", "of two", "of none", "nobody"] as const) {
        const hidden = await answer(statement({ lead, phone, person: 5 }), writer);
        const nothing = await answer(statement(missing), writer);
        if (when === "after hardening")
          expect([what, writer, hidden]).toEqual([what, writer, nothing]);
        // What a plain key answers is one finding of the audit: foreign-key-across.
        else if (JSON.stringify(hidden) !== JSON.stringify(nothing)) {
          expect([what, writer, hidden]).toEqual([what, writer, "done"]);
          expect(nothing).toMatchObject({ code: "23503" });
        }
      }
    }
  });

  test("own rows are found, whatever else is written", async () => {
    const lines: readonly (readonly [Writer, string])[] = [
      ["of one", "INSERT INTO calls (lead_id) VALUES (8)"],
      ["of two", "INSERT INTO calls (lead_id) VALUES (8)"],
      ["of one", "INSERT INTO deals (lead_id) VALUES (8)"],
      ["of one", "INSERT INTO deals (lead_id) VALUES (NULL)"],
      ["of one", "INSERT INTO leads (person_id, phone) VALUES (3, 'x')"],
      // A user of two organizations, and one of none yet.
      ["of one", "INSERT INTO leads (person_id, phone) VALUES (2, 'x')"],
      ["of one", "INSERT INTO leads (person_id, phone) VALUES (9, 'x')"],
      ["of one", "INSERT INTO parts (lead_id, phone) VALUES (NULL, NULL)"],
      ["of one", "UPDATE calls SET lead_id = 1, organization_id = NULL WHERE id = 8"],
      // The child before its parent.
      [
        "of one",
        `WITH l AS (INSERT INTO leads (id, person_id, phone) VALUES (5000, 1, 'x')),
              c AS (INSERT INTO later VALUES (5000, 5000))
         SELECT`,
      ],
    ];
    for (const [writer, statement] of lines) {
      expect([statement, await answer(statement, writer)]).toEqual([statement, "done"]);
    }
  });

  test("the service role gets true errors", async () => {
    const named = `INSERT INTO calls (lead_id, organization_id) VALUES (999999, ${own})`;
    expect(await answer(named, "the service")).toMatchObject({
      code: "23503",
      detail: expect.stringMatching(/^Key \(.*\)=\(.*999999\) is not present in table "leads".$/),
    });
    const found = `INSERT INTO calls (lead_id) VALUES (${lead})`;
    expect(await answer(found, "the service")).toBe("done");
  });
});
