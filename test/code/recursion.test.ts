import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Inventory, takeInventory } from "../../src/code/queries/inventory.ts";
import type { Chain } from "../../src/code/queries/inventory-entry.ts";
import { openProject, type Project } from "../../src/code/reading/project.ts";
import { violationsOf } from "../../src/code/violations.ts";
import { makeApplication } from "./application.ts";
import {
  type CallGraph,
  callGraphs,
  clientsText,
  expectedOf,
  importsOf,
  textOf,
} from "./call-graph.ts";
import { corpusSettings, rewritten } from "./corpus.ts";

const admin = `import { createClient } from "npm:@supabase/supabase-js@2";
declare const Deno: any;
const admin = createClient("", Deno.env.get("SUPABASE_SERVICE_ROLE_KEY"));
`;
const times = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join("\n");

async function read(text: string): Promise<Inventory> {
  const project = await makeApplication({ "supabase/functions/jobs/index.ts": text });
  return takeInventory(openProject(corpusSettings(), project.folder));
}

function chainsIn({ entries }: Inventory): readonly Chain[] {
  return entries.filter((entry) => entry.kind === "chain");
}

/** How often each is found: `leads service-role`. */
function counted(inventory: Inventory): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { tables, client } of chainsIn(inventory)) {
    const name = tables.kind === "known" ? tables.names.join(" or ") : "unresolved";
    counts[`${name} ${client.kind}`] = (counts[`${name} ${client.kind}`] ?? 0) + 1;
  }
  return counts;
}

// Following each call of each call would never end: 60 calls, 8 levels deep.
const calls = 60;

test.each([
  ["its client", "client: any", "client", (one: string) => one],
  [
    "an object with its client",
    "context: any",
    "context.client",
    (one: string) => `{ client: ${one} }`,
  ],
  [
    "the object that it was handed",
    "context: any",
    "context.client",
    (one: string) => (one === "admin" ? "{ client: admin }" : "context"),
  ],
])(
  "a function that calls itself %s often is read at once",
  async (_what, parameter, own, given) => {
    const inventory = await read(`${admin}
async function walk(${parameter}, table: string, depth: number): Promise<void> {
${times(10, (index) => `  await ${own}.from("leads").select("id").eq("id", ${index});`)}
  await ${own}.from(table).select("id");
${times(calls, (index) => `  if (depth > ${index}) await walk(${given(own)}, table, depth - 1);`)}
}
Deno.serve(() => walk(${given("admin")}, "campaigns", 3));
`);
    expect(counted(inventory)).toEqual({ "leads service-role": 10, "campaigns service-role": 1 });
    expect(rewritten(inventory.project).rewriting.left).toHaveLength(11);
  },
);

test("six functions that call one another in circles are read at once", async () => {
  const inventory = await read(`${admin}
${times(
  6,
  (index) => `async function step${index}({ client, table }: any, depth: number): Promise<void> {
${times(5, (query) => `  await client.from("leads").select("id").eq("id", ${query});`)}
  await client.from(table).select("id");
${times(calls, (at) => `  if (depth > ${at}) await step${(index + at) % 6}({ client, table }, depth - 1);`)}
}`,
)}
Deno.serve(() => step0({ client: admin, table: "campaigns" }, 3));
`);
  expect(counted(inventory)).toEqual({ "leads service-role": 30, "unresolved service-role": 6 });
});

test("an organization from the request is found through functions that call themselves", async () => {
  const inventory = await read(`${admin}
function pick(value: any, depth: number): any {
${times(calls, (index) => `  if (depth > ${index}) return pick(value, depth - 1);`)}
  return value;
}
async function load(organizationId: string, depth: number): Promise<void> {
  await admin.from("leads").select("id").eq("organization_id", organizationId);
${times(calls, (index) => `  if (depth > ${index}) await load(organizationId, depth - 1);`)}
}
Deno.serve(async (req: Request) => {
  const body = await req.json();
  await load(pick(body.organization, 3), 3);
  await admin.from("campaigns").select("id").eq("organization_id", pick("mine", 3));
});
`);
  expect(violationsOf(inventory).map(({ rule, what }) => `${rule.id} ${what}`)).toEqual([
    "organization-from-request select leads",
  ]);
});

test("a table that a recursive function returns is one query for each call from outside", async () => {
  const inventory = await read(`${admin}
function table(name: string, depth: number): any {
${times(calls, (index) => `  if (depth > ${index}) return table(name, depth - 1);`)}
  return admin.from(name);
}
Deno.serve(async () => {
  await table("leads", 2).select("id");
  await table("campaigns", 2).delete().eq("id", 1);
});
`);
  expect(counted(inventory)).toEqual({ "leads service-role": 1, "campaigns service-role": 1 });
});

test("a query whose table only its own function uses is found", async () => {
  const inventory = await read(`${admin}
export function table(depth: number): any {
  return depth > 1 ? table(depth - 1) : admin.from("leads");
}
`);
  expect(counted(inventory)).toEqual({ "leads service-role": 1 });
});

test("rows that two arrays push to one another are all checked", async () => {
  const rowsOf = (row: string) =>
    read(`${admin}
Deno.serve(async () => {
  const rows: any[] = [{ organization_id: "mine" }];
  const more: any[] = [${row}];
  rows.push(...more);
  more.push(...rows);
  await admin.from("leads").insert(rows);
});
`);
  expect(violationsOf(await rowsOf(`{ organization_id: "mine" }`))).toEqual([]);
  expect(violationsOf(await rowsOf("{}"))).toHaveLength(1);
});

test("a key that functions pass on in a circle keeps its kind", async () => {
  const inventory = await read(`import { createClient } from "npm:@supabase/supabase-js@2";
declare const Deno: any;
function make(secret: string, depth: number): any {
${times(calls, (index) => `  if (depth > ${index}) return remake(secret, depth - 1);`)}
  return createClient("", secret);
}
function remake(other: string, depth: number): any {
${times(calls, (index) => `  if (depth > ${index}) return make(other, depth - 1);`)}
  return remake(other, 1);
}
Deno.serve(() => make(Deno.env.get("SUPABASE_SERVICE_ROLE_KEY"), 3).from("leads").select("id"));
`);
  expect(counted(inventory)).toEqual({ "leads service-role": 1 });
});

type Found = { readonly client: string; readonly from: string; readonly tables: string };

/** The client and tables of each query, by its mark. */
function foundIn(project: Project): ReadonlyMap<string, Found> {
  const found = new Map<string, Found>();
  for (const { node, client, tables } of chainsIn(takeInventory(project))) {
    const mark = /mark-\d+-\d+/.exec(node.getText())?.[0] ?? node.getText();
    expect(found.has(mark)).toBe(false);
    found.set(mark, {
      client: client.kind,
      from: client.from.split(", ").sort().join(", "),
      tables: tables.kind === "known" ? [...tables.names].sort().join(" or ") : "unresolved",
    });
  }
  return found;
}

const files = ["one", "two", "three"] as const;

/** The graph's functions in this order, distributed over the files. */
function writtenAs(graph: CallGraph, order: readonly number[]) {
  const place = (index: number) => files[order.indexOf(index) % files.length] ?? "one";
  return files.map((file) => {
    const own = order.filter((index) => place(index) === file);
    const text = own.map((index) => textOf(graph, index)).join("\n");
    return [`src/${file}.ts`, `${importsOf(graph, place, file)}${text}`] as const;
  });
}

test("through any functions that call one another, each query is found once with its table and its client", async () => {
  const { folder } = await makeApplication({
    "src/client.ts": clientsText,
    ...Object.fromEntries(files.map((file) => [`src/${file}.ts`, "export {};\n"])),
  });
  const opened = openProject(corpusSettings(), folder);
  const withOrder = (graph: CallGraph, order: readonly number[]) =>
    opened.withTexts(
      new Map(writtenAs(graph, order).map(([file, text]) => [path.join(folder, file), text])),
    );
  const orders = callGraphs.chain((graph) => {
    const indexes = graph.map((_, index) => index);
    const shuffled = fc.shuffledSubarray(indexes, { minLength: graph.length });
    return fc.tuple(fc.constant(graph), fc.constant(indexes), shuffled);
  });
  fc.assert(
    fc.property(orders, ([graph, order, other]) => {
      const found = foundIn(withOrder(graph, order));
      const expected = expectedOf(graph);
      const wanted = graph.flatMap(({ queries }, index) =>
        Array.from({ length: queries }, (_, query) => [
          `mark-${index}-${query}`,
          expect.objectContaining({ ...expected[index] }),
        ]),
      );
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted));
      expect(foundIn(withOrder(graph, other))).toEqual(found);
    }),
    { numRuns: 25 },
  );
});
