import { readFile } from "node:fs/promises";
import path from "node:path";
import { applyPatch, parsePatch } from "diff";
import { execa } from "execa";
import { expect, test } from "vitest";
import { resultSchema } from "../../src/operations/context/results.ts";
import { program } from "../setup/built-program.ts";
import { makeApplication } from "./application.ts";

const leads = `import { supabase } from "./client";

export async function load(organizationId: string) {
  const { data } = await supabase
    .from("leads")
    .select("*");
  return data;
}
`;
const campaigns = `import { supabase } from "./client";

export const load = () => supabase.from("campaigns").select("*");
`;
const files = { "src/leads.ts": leads, "src/campaigns.ts": campaigns };

test("code is listed without a database, for people, programs and code scanning", async () => {
  const project = await makeApplication(files);
  const list = await project.tenantry("code", "list", "--sarif", "code.sarif");
  expect(list).toMatchObject({ code: 0, stderr: "" });
  expect(list.stdout).toMatch(/src\/leads\.ts:5 +select leads +user-key .* unfenced/);
  expect(list.stdout).toContain("2 places in 3 files: 2 unfenced");
  const sarif = JSON.parse(await readFile(path.join(project.folder, "code.sarif"), "utf8"));
  expect(sarif.runs[0].results[1]).toMatchObject({
    message: { text: "select leads: unfenced" },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: "src/leads.ts" },
          region: { startLine: 5, startColumn: 6 },
        },
      },
    ],
  });
  const json = await project.tenantry("code", "list", "--json");
  const result = resultSchema.parse(JSON.parse(json.stdout));
  if (result.kind !== "code-inventory") throw new Error(result.kind);
  expect(result.entries.map(({ file, name, client }) => [file, name, client])).toEqual([
    ["src/campaigns.ts", "campaigns", "user-key"],
    ["src/leads.ts", "leads", "user-key"],
  ]);
});

test("a rewrite names the scaffold command if findings need its files", async () => {
  const project = await makeApplication({
    ...files,
    "supabase/functions/report/index.ts": `import { createClient } from "@supabase/supabase-js";
declare const Deno: any;
Deno.serve(async () => {
  const admin = createClient(Deno.env.get("SUPABASE_URL"), Deno.env.get("SUPABASE_SERVICE_ROLE_KEY"));
  return Response.json(await admin.from("leads").select("id"));
});
`,
  });
  const before = await project.tenantry("code", "rewrite");
  expect(before.stdout).toMatch(
    /first: tenantry code scaffold --write .*_shared\/organization\.ts/,
  );
  await project.tenantry("code", "scaffold", "--write");
  const after = await project.tenantry("code", "rewrite");
  expect(after.stdout).toContain("left: 2");
  expect(after.stdout).not.toContain("code scaffold");
});

test("in CI, findings in a file have no colors, and errors come first", async () => {
  const project = await makeApplication({
    "src/draft.ts": `export const draft = () => localStorage.getItem("draft");\n`,
    ...files,
  });
  const { stdout } = await execa(process.execPath, [program, "code", "check"], {
    cwd: project.folder,
    env: { CI: "true", NO_COLOR: undefined, FORCE_COLOR: undefined },
    reject: false,
  });
  expect(stdout).not.toContain("\u001b");
  expect(stdout.indexOf("unfenced-query")).toBeLessThan(stdout.indexOf("shared-cache"));
});

test("a rewrite shows a patch and changes nothing; --write does the same; twice changes nothing more", async () => {
  const project = await makeApplication(files);
  const text = () => readFile(path.join(project.folder, "src/leads.ts"), "utf8");
  const dry = await project.tenantry("code", "rewrite", "--json");
  expect(await text()).toBe(leads);
  const result = resultSchema.parse(JSON.parse(dry.stdout));
  if (result.kind !== "code-rewrite") throw new Error(result.kind);
  expect(result).toMatchObject({ written: false, files: [{ file: "src/leads.ts", edits: 1 }] });
  expect(result.findings).toMatchObject([
    {
      place: { file: "src/campaigns.ts", line: 3 },
      reason: "organizationId is not in scope here",
    },
  ]);
  const [patch] = parsePatch(result.diff);
  if (patch === undefined) throw new Error("there is no patch");
  const patched = applyPatch(leads, patch);

  const written = await project.tenantry("code", "rewrite", "--write");
  expect(written).toMatchObject({ code: 0, stderr: "" });
  expect(written.stdout).toContain("fixed: 1 finding in 1 file; left: 1");
  expect(await text()).toBe(patched);
  expect(patched).toBe(
    leads.replace(
      '    .select("*");',
      '    .select("*")\n    .eq("organization_id", organizationId);',
    ),
  );
  await project.tenantry("code", "rewrite", "--write");
  expect(await text()).toBe(patched);
});

test("a byte order mark and line ends stay as they are", async () => {
  const windows = `\uFEFF${leads.replaceAll("\n", "\r\n")}`;
  const project = await makeApplication({ "src/leads.ts": windows });
  expect(await project.tenantry("code", "rewrite", "--write")).toMatchObject({ code: 0 });
  const after = await readFile(path.join(project.folder, "src/leads.ts"), "utf8");
  expect(after).toBe(
    windows.replace('"*");', '"*")\r\n    .eq("organization_id", organizationId);'),
  );
});

test("code check fails at the line of an unfenced query, and passes where all are fenced", async () => {
  const project = await makeApplication(files);
  process.env["GITHUB_ACTIONS"] = "true";
  const open = await project.tenantry("code", "check", "--sarif", "code.sarif");
  delete process.env["GITHUB_ACTIONS"];
  expect(open.code).toBe(3);
  expect(open.stdout).toContain("2 queries in 3 files, 0 fenced: 2 errors, 0 warnings");
  expect(open.stdout).toMatch(/::error file=src\/leads\.ts,line=5,col=6,title=.*::select leads: /);
  expect(open.stderr).toContain("CODE_UNFENCED");
  const sarif = JSON.parse(await readFile(path.join(project.folder, "code.sarif"), "utf8"));
  expect(sarif.runs[0].results[0]).toMatchObject({ ruleId: "tenantry/unfenced-query" });

  const sound = await makeApplication({
    "src/leads.ts": leads.replace('"*");', '"*").eq("organization_id", organizationId);'),
    "src/campaigns.ts": campaigns.replace(
      "export",
      "// tenantry: all-organizations because the landing page counts them\nexport",
    ),
  });
  const passed = await sound.tenantry("code", "check");
  expect(passed).toMatchObject({ code: 0, stderr: "" });
  const json = JSON.parse((await sound.tenantry("code", "check", "--json")).stdout);
  expect(json).toMatchObject({ kind: "code-check", chains: 2, fenced: 1, findings: [] });
});

test("where the patterns match no file, the command fails", async () => {
  const project = await makeApplication({});
  await project.configure({
    users: { owners: "TRUE" },
    day1: { tables: {} },
    day2: { tables: {} },
    code: { folder: "nowhere" },
  });
  const outcome = await project.tenantry("code", "check");
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toContain("CODE_NOT_FOUND");
});
