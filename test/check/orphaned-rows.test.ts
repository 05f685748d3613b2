import { expect, test } from "vitest";
import { orphan } from "../hardening/keyed-company.ts";
import { smallCompany } from "../setup/small-company.ts";
import { asRole, company, execute, findings } from "./server.ts";

const hardened = { ...smallCompany, hardening: { foreignKeys: ["all"] } };

test("rows that refer to no row are counted and named by their primary keys before a stage fails at them", async () => {
  const { url, session } = await company("orphans");
  expect(await findings("orphaned-rows", { url })).toEqual([]);
  await orphan(session, "DELETE FROM leads WHERE id IN (7, 9, 12)");
  const found = await findings("orphaned-rows", { url });
  expect(found).toEqual([
    {
      severity: "blocking",
      says: "calls: foreign key calls_lead_id_fkey: 3 of 100 calls refer to a missing row of leads (id 7, 9, 12)",
      fix: 'correct or delete them: SELECT * FROM "public"."calls" AS record WHERE record."lead_id" IS NOT NULL AND NOT EXISTS (SELECT FROM "public"."leads" AS parent WHERE parent."id" = record."lead_id");',
    },
  ]);
  const query = found[0]?.fix.replace("correct or delete them: ", "") ?? "";
  await execute(session, query.replace("SELECT *", "DELETE").replace(/;$/, ""));
  expect(await findings("orphaned-rows", { url })).toEqual([]);
});

test("a key is asked where hardening replaces it, or where rows get their organization by it", async () => {
  const { url, session } = await company("orphans asked");
  await execute(
    session,
    // Compared by its own operator, which search_path does not find; told by a key of two columns.
    "CREATE EXTENSION citext SCHEMA public",
    "CREATE TABLE tags (name citext PRIMARY KEY)",
    `CREATE TABLE tagged (
       lead_id bigint REFERENCES leads,
       tag citext REFERENCES tags,
       PRIMARY KEY (lead_id, tag)
     )`,
    "CREATE TABLE loose (tag citext REFERENCES tags, at int)",
    "INSERT INTO tags VALUES ('Old'), ('new')",
    "INSERT INTO tagged SELECT id, 'OLD' FROM leads",
    "INSERT INTO tagged SELECT id, 'NEW' FROM leads WHERE id <= 7",
    "INSERT INTO loose VALUES ('OLD', 1), ('NEW', 2), (NULL, 3)",
  );
  const calls = { via: "lead_id", unattributed: "default" as const };
  const config = {
    ...smallCompany,
    day1: { tables: { ...smallCompany.day1.tables, calls } },
    day2: {
      tables: {
        settings: "default" as const,
        tags: "default" as const,
        tagged: "default" as const,
        loose: "default" as const,
      },
    },
  };
  const all = { ...config, hardening: { foreignKeys: ["all"] } };
  expect(await findings("orphaned-rows", { url }, { config: all })).toEqual([]);
  await orphan(session, "DELETE FROM tags WHERE name = 'new'");
  await orphan(session, "DELETE FROM leads WHERE id > 95");
  const says = async (asked: typeof all | typeof config) =>
    (await findings("orphaned-rows", { url }, { config: asked })).map(
      (found) => `${found.severity} ${found.says}`,
    );
  const ofCalls =
    "calls: foreign key calls_lead_id_fkey: 5 of 100 calls refer to a missing row of leads (id 96, 97, 98, 99, 100)";
  expect(await says(config)).toEqual([`advisory ${ofCalls}`]);
  expect((await says(all)).sort()).toEqual([
    `blocking ${ofCalls}`,
    "blocking loose: foreign key loose_tag_fkey: 1 of 3 loose refer to a missing row of tags (ctid (0,2))",
    "blocking tagged: foreign key tagged_lead_id_fkey: 5 of 107 tagged refer to a missing row of leads ((lead_id, tag) (96, OLD), (97, OLD), (98, OLD), (99, OLD), (100, OLD))",
    "blocking tagged: foreign key tagged_tag_fkey: 7 of 107 tagged refer to a missing row of tags ((lead_id, tag) (1, NEW), (2, NEW), (3, NEW), (4, NEW), (5, NEW), …)",
  ]);
});

test("what cannot be checked is said of each key, with the query that tells", async () => {
  const database = await company("orphans unknown");
  await orphan(database.session, "DELETE FROM leads WHERE id = 7");
  const target = await asRole(database, "orphans_unknown", "");
  await execute(
    database.session,
    "GRANT SELECT ON leads, calls TO orphans_unknown",
    "ALTER TABLE leads ENABLE ROW LEVEL SECURITY",
  );
  // Its policies would hide every parent.
  const found = await findings("orphaned-rows", target, { config: hardened });
  expect(found).toMatchObject([
    {
      severity: "advisory",
      says: expect.stringMatching(
        /^calls: foreign key calls_lead_id_fkey: could not be checked: .*row-level security/,
      ),
      fix: expect.stringContaining("this must return no row: SELECT"),
    },
  ]);
  await execute(database.session, "DROP OWNED BY orphans_unknown", "DROP ROLE orphans_unknown");
});
