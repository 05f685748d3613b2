import { expect, test } from "vitest";
import { stateOf } from "../../src/code/fence/fence.ts";
import { takeInventory } from "../../src/code/queries/inventory.ts";
import { openProject } from "../../src/code/reading/project.ts";
import { violationsOf } from "../../src/code/violations.ts";
import { parseSettings } from "../../src/config/load.ts";
import { makeApplication } from "./application.ts";
import { corpusConfig, corpusSettings, openCorpus, rewritten } from "./corpus.ts";

test("with filters: service-role-only, only writes with the user's key must name the organization", () => {
  const trusting = { ...corpusConfig.code, filters: "service-role-only" } as const;
  const inventory = takeInventory(openCorpus(corpusSettings(trusting)));
  const open = violationsOf(inventory).flatMap(({ entry, rule }) =>
    entry?.kind === "chain" && rule.id === "unfenced-query" ? [entry] : [],
  );
  expect(open.length).toBeGreaterThan(10);
  expect(new Set(open.map(({ client }) => client.kind))).toEqual(
    new Set(["service-role", "unknown"]),
  );
  const states = new Set(
    inventory.entries.flatMap((entry) =>
      entry.kind === "chain" && entry.client.kind === "user-key" && entry.operation === "select"
        ? [stateOf(entry, inventory)]
        : [],
    ),
  );
  expect(states).toContain("row-level security");
  expect(states).not.toContain("unfenced");
  const rules = violationsOf(inventory).map(({ rule }) => rule.id);
  expect(rules).toContain("insert-without-organization");
  expect(rules).toContain("organization-overwritten");
});

test("the column, the expression and the clients have the names of the configuration", async () => {
  const project = await makeApplication({
    "src/admin.ts": "export const boss: any = undefined;\n",
    "src/leads.ts": `import { boss } from "./admin";
import { useDatabase } from "somewhere";

export async function add(session: { tenant: string }, lead: object) {
  await boss.from("leads").insert(lead);
  return useDatabase().from("leads").select("*");
}
`,
  });
  const settings = parseSettings(
    {
      ...corpusConfig,
      names: { organizationColumn: "tenant" },
      code: {
        app: { organization: "session.tenant" },
        clients: { serviceRole: ["boss"], userKey: ["useDatabase"] },
      },
    },
    "a configuration",
  );
  const opened = openProject(settings, project.folder);
  const kinds = takeInventory(opened).entries.flatMap((entry) =>
    entry.kind === "chain" ? [entry.client.kind] : [],
  );
  expect(kinds).toEqual(["service-role", "user-key"]);
  const [file] = rewritten(opened).rewriting.files;
  expect(file?.after).toContain(".insert({ ...lead, tenant: session.tenant })");
  expect(file?.after).toContain('.select("*").eq("tenant", session.tenant)');
});

test("a table and its embedded tables are in the client's schema, also where a constant names it", async () => {
  const project = await makeApplication({
    "src/codes.ts": `const SCHEMA = "crm";
declare const boss: any;

export const codes = () => boss.schema(SCHEMA).from("codes").select("code, ...orders(id)");
export const orders = () => boss.schema(SCHEMA).from("orders").select("*");
`,
  });
  const settings = parseSettings(
    {
      ...corpusConfig,
      day1: { tables: { ...corpusConfig.day1.tables, "crm.orders": "default" } },
      sharedTables: { "crm.codes": "the same for every customer", orders: "old ones" },
      code: { app: {}, clients: { serviceRole: ["boss"] } },
    },
    "a configuration",
  );
  const inventory = takeInventory(openProject(settings, project.folder));
  expect(violationsOf(inventory).map(({ rule, fact }) => [rule.id, fact])).toEqual([
    ["embedded-table", "its select embeds orders"],
    ["unfenced-query", expect.any(String)],
  ]);
});

test("all faults of the code section are reported at once", () => {
  const faults = (code: object) => {
    try {
      parseSettings({ ...corpusConfig, code }, "a configuration");
      return [];
    } catch (error) {
      return error instanceof Error && "details" in error ? error.details : error;
    }
  };
  expect(
    faults({ lookups: { lead: ["phone"] }, uniquePerOrganization: { area_codes: ["code"] } }),
  ).toEqual([
    expect.stringContaining("code.lookups.lead: is not a table of day1 or day2"),
    expect.stringContaining("code.uniquePerOrganization.area_codes: is not a table"),
  ]);
  const hook = { name: "organization", from: "@/organization" };
  expect(faults({ app: { hook, organization: "not an expression" }, filters: "never" })).toEqual([
    expect.stringContaining("code.app.organization"),
    expect.stringContaining("code.app.hook.name"),
    expect.stringContaining("code.filters"),
  ]);
  const dotted = { hook: { ...hook, name: "useOrganization" }, organization: "session.id" };
  expect(faults({ app: dotted })).toEqual([expect.stringContaining("a name without a dot")]);
  expect(faults({ filter: "explicit" })).toEqual([
    expect.stringContaining("code.filter: unknown setting → did you mean filters?"),
  ]);
});
