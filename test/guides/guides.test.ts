import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { parseSettings } from "../../src/config/load.ts";
import { guidesFor } from "../../src/guides/guides.ts";
import { nextTable } from "../../src/guides/next-table.ts";
import { runInForce } from "../../src/journal/journal.ts";
import { raw, sql } from "../../src/postgres/sql.ts";
import { tryAttacks } from "../../src/verify/attacks/attacks.ts";
import { tryIsolation } from "../../src/verify/proof/isolation.ts";
import { createDatabase } from "../setup/database.ts";
import { makeProject } from "../setup/project.ts";
import { makeSmallCompany, smallCompany } from "../setup/small-company.ts";
import { expectDone, testTimeout } from "../three-days/three-days.ts";

const settings = parseSettings(smallCompany, "the test");

test("the guides say the names of the configuration", () => {
  const texts = guidesFor(settings)
    .map(({ text }) => text)
    .join("\n");
  for (const said of [
    "| `leads` | that of the user in `person_id`, unless the writer sets one | every member |",
    "the setting `app.user_id` of the session",
    "- `person`: exempt (the users themselves)",
    'INSERT INTO "public"."organization_users"',
  ]) {
    expect(texts).toContain(said);
  }
  expect(texts).not.toMatch(/undefined|\[object/);
  expect(guidesFor(settings).map(({ text }) => text)).toMatchSnapshot();
});

test("the next table, made as the developer's guide says, is isolated like the others", {
  timeout: testTimeout,
}, async () => {
  const { session, url } = await createDatabase("next table");
  await makeSmallCompany(session, 40);
  const project = await makeProject(url, { ...smallCompany, online: {} });
  expectDone(await project.tenantry("run", "--yes"));
  await session.execute(raw(nextTable(settings)));
  await session.execute(sql`GRANT SELECT, INSERT, UPDATE, DELETE ON invoices TO small_company_app`);
  await session.execute(sql`
    INSERT INTO invoices (organization_id, number)
    SELECT o.id, n::text
      FROM organizations o
     CROSS JOIN generate_series(1, 10) AS n
  `);
  const run = await runInForce(session, "day3");
  if (run === undefined) throw new Error("Day 3 is not applied");
  const fences = [{ relation: { schema: "public", name: "invoices" }, label: "invoices" }];
  const scope = { settings, tenancy: run.tenancy, fences };
  const tried = [
    ...(await tryIsolation(session, { ...scope, personas: run.personas })),
    ...(await tryAttacks(session, scope, "on the fence")),
  ];
  expect(tried.flatMap(({ violations }) => violations)).toEqual([]);
});

test("guides are shown before they are written, follow the configuration, and stay once edited", async () => {
  const project = await makeProject("postgresql://nowhere.invalid:1/none", smallCompany);
  const shown = await project.tenantry("guides");
  expect(shown.stdout).toContain("new, with --write: docs/tenancy/developers-guide.md");
  expectDone(await project.tenantry("guides", "--write"));
  const file = path.join(project.folder, "docs/tenancy/users-guide.md");
  await writeFile(file, `${await readFile(file, "utf8")}Ask Ann.\n`);
  await project.configure({ ...smallCompany, names: { organizationColumn: "tenant_id" } });
  const again = await project.tenantry("guides", "--write");
  expect(again.stdout).toBe(
    [
      "updated: docs/tenancy/api-requirements.md",
      "edited by hand; not overwritten: docs/tenancy/users-guide.md",
      "as it is: docs/tenancy/admins-guide.md",
      "updated: docs/tenancy/developers-guide.md",
      "",
    ]
      .join("\n")
      .trimEnd(),
  );
  expect(await readFile(file, "utf8")).toContain("Ask Ann.");
});
