import { readFile } from "node:fs/promises";
import path from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { makeApplication } from "./application.ts";
import { corpusConfig } from "./corpus.ts";

const stubs = path.join(import.meta.dirname, "corpus/stubs");

const strictest: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  jsx: ts.JsxEmit.Preserve,
  strict: true,
  exactOptionalPropertyTypes: true,
  noImplicitReturns: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  verbatimModuleSyntax: true,
  noEmit: true,
  types: [],
};

const modules = {
  "@supabase/supabase-js": [path.join(stubs, "supabase-js.d.ts")],
  "npm:@supabase/supabase-js@2": [path.join(stubs, "supabase-js.d.ts")],
  "@tanstack/react-query": [path.join(stubs, "react-query.d.ts")],
  react: [path.join(stubs, "react.d.ts")],
};

/** The scaffolded files, and the errors of the strictest compiler settings in them. */
async function faultsOf(
  dependencies: Readonly<Record<string, string>>,
  named: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly made: readonly string[]; readonly faults: readonly string[] }> {
  const project = await makeApplication({
    "package.json": JSON.stringify({ dependencies }),
    "tsconfig.json": JSON.stringify({
      compilerOptions: { jsx: "preserve", paths: { "@/*": ["./src/*"] } },
    }),
    "src/client.ts": `import { createClient } from "@supabase/supabase-js";
export const supabase = createClient("https://x.example", "SUPABASE_ANON_KEY");
`,
    "src/main.tsx": `import { QueryClientProvider } from "@tanstack/react-query";
declare function createRoot(element: Element): { render(what: object): void };
const App = () => null;
createRoot(document.body).render(<QueryClientProvider><App /></QueryClientProvider>);
`,
    "supabase/functions/hello/index.ts": `Deno.serve(() => new Response("hello"));\n`,
  });
  await project.configure({
    users: corpusConfig.users,
    day1: { tables: corpusConfig.day1.tables },
    day2: { tables: {} },
    ...named,
    code: { app: { hook: { name: "useOrganization", from: "@/contexts/OrganizationContext" } } },
  });
  const outcome = await project.tenantry("code", "scaffold", "--write");
  const made = [...outcome.stdout.matchAll(/^(?:new|changed): (.+)$/gm)].map(
    ([, file = ""]) => file,
  );
  const program = ts.createProgram(
    [...made.map((file) => path.join(project.folder, file)), path.join(stubs, "globals.d.ts")],
    {
      ...strictest,
      lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
      paths: { "@/*": [path.join(project.folder, "src/*")], ...modules },
    },
  );
  const faults = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, " ");
    return `${file === undefined ? "" : path.relative(project.folder, file.fileName)}: ${text}`;
  });
  const context = await readFile(
    path.join(project.folder, "src/contexts/OrganizationContext.tsx"),
    "utf8",
  );
  expect(context.includes("useQueryClient")).toBe("@tanstack/react-query" in dependencies);
  return { made, faults };
}

test("the scaffold typechecks with the strictest settings, with React Query and without", async () => {
  const { made, faults } = await faultsOf({ react: "19.0.0", "@tanstack/react-query": "5.0.0" });
  expect(made).toEqual([
    "src/contexts/organization-store.ts",
    "src/contexts/OrganizationContext.tsx",
    "src/contexts/OrganizationSwitcher.tsx",
    "supabase/functions/_shared/organization.ts",
    "src/main.tsx",
  ]);
  expect(faults).toEqual([]);
  expect((await faultsOf({ react: "19.0.0" })).faults).toEqual([]);
});

test("the scaffold typechecks where the organizations' tables have other names, in another schema", async () => {
  const named = await faultsOf(
    { react: "19.0.0" },
    { schema: "crm", names: { organizations: "companies", memberships: "staff" } },
  );
  expect(named.faults).toEqual([]);
});
