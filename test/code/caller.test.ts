import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { makeApplication } from "./application.ts";
import { corpusConfig } from "./corpus.ts";

const place = "supabase/functions/_shared/organization.ts";

async function makeFunction() {
  const project = await makeApplication({
    "supabase/functions/leads/index.ts": `import { createClient } from "npm:@supabase/supabase-js@2";

Deno.serve(async (req) => {
  const admin = createClient("", Deno.env.get("SUPABASE_SERVICE_ROLE_KEY"));
  const { data, error } = await admin.auth.getUser(req.headers.get("Authorization")?.slice(7));
  if (error || !data.user) return new Response("sign in first", { status: 401 });
  return Response.json(await admin.from("leads").select("*"));
});
`,
  });
  await project.configure({
    users: corpusConfig.users,
    day1: { tables: corpusConfig.day1.tables },
    day2: { tables: {} },
    code: { functions: { caller: { name: "whoCalls", from: place } } },
  });
  const text = (file: string) => readFile(path.join(project.folder, file), "utf8");
  return { project, text };
}

test("a handler calls the scaffolded function, by its configured name and from its configured file", async () => {
  const { project, text } = await makeFunction();
  await project.tenantry("code", "scaffold", "--write");
  expect(await text(place)).toContain("export async function whoCalls(request: Request)");
  await project.tenantry("code", "rewrite", "--write");
  const lines = (await text("supabase/functions/leads/index.ts")).split("\n");
  expect(lines[1]).toBe('import { whoCalls } from "../_shared/organization.ts";');
  const guard = lines.findIndex((line) => line.includes("sign in first"));
  expect(lines[guard + 1]).toBe("  const { organizationId } = await whoCalls(req);");
  expect(lines[guard + 2]).toContain('.select("*").eq("organization_id", organizationId)');
  expect((await project.tenantry("code", "check")).code).toBe(0);
});

test("a handler is not changed while the function that it would call does not exist", async () => {
  const { project } = await makeFunction();
  const { stdout } = await project.tenantry("code", "rewrite");
  expect(stdout).toContain(
    "supabase/functions/_shared/organization.ts does not exist yet: run tenantry code scaffold --write",
  );
  expect(stdout).not.toContain("+  const { organizationId }");
});
