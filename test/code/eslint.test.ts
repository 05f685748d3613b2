import path from "node:path";
import { expect, test } from "vitest";
import { tenantry } from "../../src/eslint.ts";
import { makeApplication } from "./application.ts";

const leads = `import { supabase } from "./client";

export const load = (own: string) => supabase.from("leads").select("*");
`;

test("ESLint reports the same as code check, also for unsaved text", async () => {
  const { folder } = await makeApplication({ "src/leads.ts": leads });
  const { plugins, rules } = await tenantry({ folder });
  expect(Object.keys(rules)).toEqual(
    Object.keys(plugins.tenantry.rules).map((id) => `tenantry/${id}`),
  );
  expect(rules).toMatchObject({
    "tenantry/unfenced-query": "error",
    "tenantry/shared-cache": "warn",
  });

  const lint = (file: string, text: string) => {
    const found: object[] = [];
    for (const [id, rule] of Object.entries(plugins.tenantry.rules))
      rule
        .create({
          filename: path.join(folder, file),
          sourceCode: { text },
          report: ({ loc, message }) => found.push({ id, ...loc, message }),
        })
        .Program();
    return found;
  };
  expect(lint("src/leads.ts", leads)).toEqual([
    {
      id: "unfenced-query",
      line: 3,
      column: 46,
      message: expect.stringMatching(/^select leads: has no filter on organization_id → /),
    },
  ]);
  const fenced = leads.replace('"*")', '"*").eq("organization_id", own)');
  expect(lint("src/leads.ts", fenced)).toEqual([]);
  expect(lint("src/leads.ts", leads)).toHaveLength(1);
  expect(lint("src/elsewhere.ts", leads)).toEqual([]);
});
