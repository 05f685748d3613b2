import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openProject } from "../../src/code/reading/project.ts";
import { makeApplication } from "./application.ts";
import { corpusSettings, rewritten } from "./corpus.ts";

const plain = fc.constantFrom(
  "  const numbers = Array.from( [1,2 , 3] );",
  "  // supabase.from('leads').select('*')",
  "  const text = \"supabase.from('leads')\";",
  "  const many = `\n    .from('leads')\n  `;",
  "  if (flag) { log( 'x' ) ; }",
  "\tlog('tab')",
  "  log({ organization_id : 'mine',  odd:1 });",
  "",
  "  /* a comment\n     of two lines */",
  "  for (const each of [1]) log(each)  ;",
  "  await supabase.from('area_codes').select( '*' ) ;",
);
const queries = fc.constantFrom(
  "  await supabase.from('leads').select( '*' ) ;",
  '  await supabase\n    .from("leads")\n    .select(\n      "*",\n    )\n    .eq("id", 1)',
  "  await supabase.from('leads').insert({ phone : '1',   name : 'x' })",
  "  await supabase.from('leads').insert([\n    { phone: '1' }, // one\n    { phone: '2' },\n  ]);",
  "  await supabase.from('leads').insert([1].map( n => ({ n }) ).filter( Boolean ))",
  "  await supabase.from('leads').update({ ...lead }).eq('id', 1);",
  "  await supabase.from('leads').delete().eq('id', 1)",
  "  await supabase\n    .from('leads')\n    .upsert(\n      {\n        phone: '1',\n        name: 'x'\n      },\n      { onConflict: 'phone' }\n    )",
  "  await supabase.from('leads').insert(lead), log('beside');",
);

type Block = { readonly text: string; readonly isQuery: boolean };

const blocks: fc.Arbitrary<Block[]> = fc.array(
  fc.oneof(
    plain.map((text) => ({ text: `{\n${text}\n  }`, isQuery: false })),
    queries.map((text) => ({ text, isQuery: true })),
  ),
  { minLength: 1, maxLength: 12 },
);

test("rewriting never changes a line without a query, however it is written", async () => {
  const project = await makeApplication({ "src/leads.ts": "export {};\n" });
  const opened = openProject(corpusSettings(), project.folder);
  const file = path.join(project.folder, "src/leads.ts");
  fc.assert(
    fc.property(blocks, fc.constantFrom("\n", "\r\n"), (parts, lineEnd) => {
      const around = (body: readonly string[]) =>
        [
          'import { supabase } from "./client";',
          "const log = (..._all: unknown[]) => {};",
          "export async function all(organizationId: string, flag: boolean, lead: object) {",
          ...body,
          "  log(flag, lead, organizationId)",
          "}",
          "",
        ]
          .join("\n")
          .replaceAll("\n", lineEnd);
      const before = around(parts.map(({ text }) => text));
      const { rewriting, after } = rewritten(opened.withTexts(new Map([[file, before]])));
      expect(rewriting.left.map(({ reason }) => reason)).toEqual([]);
      const text = rewriting.files.find(({ name }) => name === "src/leads.ts")?.after ?? before;

      // Without its queries, the rewritten file equals the original without them.
      let rest = text;
      const skeleton = around(parts.map(({ text: own, isQuery }) => (isQuery ? "\0" : own)));
      for (const kept of skeleton.split("\0")) {
        const at = rest.indexOf(kept);
        expect(at).toBeGreaterThanOrEqual(0);
        rest = rest.slice(at + kept.length);
      }
      expect(text.replaceAll(lineEnd, "").includes("\n")).toBe(false);
      expect(rewritten(after.project).rewriting.files).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
