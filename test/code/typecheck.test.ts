import { expect, test } from "vitest";
import { openProject } from "../../src/code/reading/project.ts";
import { makeApplication } from "./application.ts";
import { corpusSettings, rewritten } from "./corpus.ts";

const client = `type Row = { phone: string; organization_id: string };
type Query = Promise<{ data: Row[] }> & {
  eq(column: string, value: string): Query;
};
export declare const supabase: {
  from(table: "leads"): {
    select(columns: string): Query;
    insert<Given extends { phone: string }>(row: Given): Promise<Given>;
  };
  from(table: "call_logs"): { insert(row: Row): Query };
};
`;

const options = {
  target: "ES2022",
  module: "ESNext",
  moduleResolution: "Bundler",
  strict: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  types: [],
};

/** A function's body after the rewrite, and the reasons for findings that are left. */
async function rewrite(body: string, around = "") {
  const { folder } = await makeApplication({
    "tsconfig.json": JSON.stringify({ compilerOptions: options, include: ["src"] }),
    "src/client.ts": client,
    "src/leads.ts": `import { supabase } from "./client";
${around}
export async function leads(organizationId: string) {
${body}
  return organizationId;
}
`,
  });
  const { rewriting } = rewritten(openProject(corpusSettings(), folder));
  return {
    text: rewriting.files.find(({ name }) => name === "src/leads.ts")?.after,
    reasons: rewriting.left.map(({ reason }) => reason),
  };
}

const same = `type Same<One, Other> = [One] extends [Other]
  ? [Other] extends [One] ? true : false
  : false;`;

test("a query that nothing else depends on is changed", async () => {
  const { text, reasons } = await rewrite(`  await supabase.from("leads").select("*");`);
  expect(reasons).toEqual([]);
  expect(text).toContain('.eq("organization_id", organizationId)');
});

test("a change after which another statement would not typecheck is left out", async () => {
  const { text, reasons } = await rewrite(
    `  const lead = await supabase.from("leads").insert({ phone: "1" });
  const isPlain: Same<typeof lead, { phone: string }> = true;
  void isPlain;`,
    same,
  );
  expect(text).toBeUndefined();
  expect(reasons).toEqual([expect.stringMatching(/^it would not typecheck: /)]);
});

test("a change that removes an expected type error is left out", async () => {
  const { text, reasons } = await rewrite(`  // @ts-expect-error it has no organization yet
  await supabase.from("call_logs").insert({ phone: "1" });`);
  expect(text).toBeUndefined();
  expect(reasons).toEqual(["it would not typecheck: Unused '@ts-expect-error' directive."]);
});
